CREATE SCHEMA golive;

CREATE SCHEMA pulse;

CREATE FUNCTION golive.refuse_audit_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND current_setting('golive.erasing', true) = 'on' THEN
                RETURN NULL;
            END IF;
            RAISE EXCEPTION 'the audit trail is append-only';
        END $$;

CREATE FUNCTION golive.refuse_go_live_deletion() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
        BEGIN
            RAISE EXCEPTION 'a go-live is never deleted: moves, mail and the audit trail name it';
        END $$;

CREATE FUNCTION golive.refuse_other_audit_text() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
        BEGIN
            OLD.reason := '[removed]';
            IF NEW IS DISTINCT FROM OLD THEN
                RAISE EXCEPTION 'the audit trail is append-only';
            END IF;
            RETURN NEW;
        END $$;

CREATE TABLE golive.alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE golive.audit_entry (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor character varying NOT NULL,
    action character varying NOT NULL,
    organisation_id uuid,
    go_live_id uuid,
    subject character varying NOT NULL,
    reason character varying NOT NULL,
    order_id uuid,
    times integer,
    since timestamp with time zone
);

ALTER TABLE golive.audit_entry ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME golive.audit_entry_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE golive.authorization_request (
    state_sha256 character varying NOT NULL,
    purpose character varying NOT NULL,
    browser_sha256 character varying NOT NULL,
    organisation_id uuid,
    go_live_id uuid,
    link_id uuid,
    tenant_id uuid,
    link_version integer,
    grant_was_absent boolean NOT NULL,
    evidence_id uuid,
    signed_in_object_id uuid,
    flow jsonb NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT purpose_known CHECK (((purpose)::text = ANY ((ARRAY['consent'::character varying, 'consent_sign_in'::character varying, 'sign_in'::character varying, 'invitation'::character varying, 'console'::character varying, 'setup'::character varying])::text[])))
);

CREATE TABLE golive.consent_evidence (
    id uuid NOT NULL,
    go_live_id uuid NOT NULL,
    link_id uuid,
    tenant_id uuid NOT NULL,
    administrator_object_id uuid NOT NULL,
    checked_at timestamp with time zone NOT NULL,
    grant_was_absent boolean NOT NULL,
    by_valid_link boolean NOT NULL
);

CREATE TABLE golive.contact (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    "position" integer NOT NULL,
    name character varying NOT NULL,
    address character varying NOT NULL,
    address_key character varying NOT NULL,
    time_zone character varying NOT NULL,
    left_at timestamp with time zone,
    CONSTRAINT position_counts_from_one CHECK (("position" >= 1))
);

CREATE TABLE golive.directory_entry (
    go_live_id uuid NOT NULL,
    page integer NOT NULL,
    line integer NOT NULL,
    object_id uuid NOT NULL,
    is_guest boolean NOT NULL,
    is_external boolean NOT NULL,
    enabled boolean NOT NULL,
    is_person boolean NOT NULL,
    address_keys text[] NOT NULL,
    folded_keys text[] DEFAULT '{}'::text[] NOT NULL,
    sign_in_name character varying NOT NULL
);

CREATE TABLE golive.directory_link (
    user_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    object_id uuid NOT NULL,
    go_live_id uuid NOT NULL,
    sign_in_name character varying,
    is_administrator boolean DEFAULT false NOT NULL
);

CREATE TABLE golive.directory_snapshot (
    go_live_id uuid NOT NULL,
    pages integer NOT NULL,
    entries integer NOT NULL,
    next_link character varying,
    reader character varying NOT NULL
);

CREATE TABLE golive.domain_tenant (
    organisation_id uuid NOT NULL,
    domain character varying NOT NULL,
    tenant_id uuid,
    cloud character varying
);

CREATE TABLE golive.exception_decision (
    user_id uuid NOT NULL,
    decision character varying NOT NULL,
    object_id uuid,
    decided_by character varying NOT NULL,
    decided_at timestamp with time zone NOT NULL,
    reason_id bigint NOT NULL,
    CONSTRAINT decision_known CHECK (((decision)::text = ANY ((ARRAY['link'::character varying, 'exclude'::character varying])::text[])))
);

CREATE TABLE golive.executed_order (
    go_live_id uuid NOT NULL,
    update_id character varying NOT NULL,
    order_id uuid,
    name character varying NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE golive.file_import (
    id uuid NOT NULL,
    organisations_name character varying NOT NULL,
    users_name character varying NOT NULL,
    uploaded_by character varying NOT NULL,
    done_by character varying NOT NULL,
    uploaded_at timestamp with time zone NOT NULL,
    organisations bytea,
    users bytea,
    changes_sha256 character varying NOT NULL,
    done_at timestamp with time zone,
    organisation_count integer NOT NULL,
    user_count integer NOT NULL,
    CONSTRAINT files_go_when_it_is_done CHECK (((done_at IS NULL) OR ((organisations IS NULL) AND (users IS NULL))))
);

CREATE TABLE golive.go_live (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    number integer NOT NULL,
    owner_id uuid NOT NULL,
    started_at timestamp with time zone NOT NULL,
    aftercare_days integer NOT NULL,
    stage character varying NOT NULL,
    wait character varying NOT NULL,
    since timestamp with time zone NOT NULL,
    due_at timestamp with time zone,
    reminder_at timestamp with time zone,
    attention character varying,
    may_skip boolean NOT NULL,
    refusal character varying,
    consent_not_given boolean NOT NULL,
    paused boolean NOT NULL,
    users_done integer NOT NULL,
    users_total integer NOT NULL,
    users_before integer NOT NULL,
    exceptions integer NOT NULL,
    plan_hash character varying,
    moved_up_to integer NOT NULL,
    tenant_id uuid,
    prior_sso_offered boolean,
    prior_connection jsonb,
    undo_started_at timestamp with time zone,
    sign_ins_reported integer NOT NULL,
    recorded_by character varying,
    move_at timestamp with time zone,
    announced_move_at timestamp with time zone,
    ending character varying,
    outcome character varying,
    closed_at timestamp with time zone,
    run_events integer NOT NULL,
    run_orders integer NOT NULL,
    CONSTRAINT closed_has_outcome CHECK (((outcome IS NULL) = (closed_at IS NULL)))
);

CREATE TABLE golive.mail (
    id uuid NOT NULL,
    go_live_id uuid,
    message character varying NOT NULL,
    idempotency_key character varying NOT NULL,
    recipient_kind character varying NOT NULL,
    recipient_id uuid NOT NULL,
    link_id uuid,
    due_at timestamp with time zone NOT NULL,
    state character varying NOT NULL,
    attempts integer NOT NULL,
    reply character varying,
    taken_before bigint,
    unclear_since timestamp with time zone,
    message_id character varying,
    sent_at timestamp with time zone,
    in_doubt boolean DEFAULT false NOT NULL,
    CONSTRAINT recipient_kind_known CHECK (((recipient_kind)::text = ANY ((ARRAY['staff'::character varying, 'contact'::character varying, 'user'::character varying])::text[]))),
    CONSTRAINT state_known CHECK (((state)::text = ANY ((ARRAY['queued'::character varying, 'sent'::character varying, 'refused'::character varying, 'withdrawn'::character varying])::text[])))
);

CREATE SEQUENCE golive.mail_taken
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE golive.order_request (
    id uuid NOT NULL,
    go_live_id uuid NOT NULL,
    "order" character varying NOT NULL,
    argument jsonb NOT NULL,
    requested_by character varying NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    confirmed_by character varying,
    CONSTRAINT confirmed_by_another CHECK (((confirmed_by)::text <> (requested_by)::text))
);

CREATE TABLE golive.outbox (
    id bigint NOT NULL,
    go_live_id uuid NOT NULL,
    signal character varying NOT NULL,
    argument jsonb NOT NULL,
    enqueued_at timestamp with time zone NOT NULL,
    set_aside_because character varying,
    CONSTRAINT signal_known CHECK (((signal)::text = ANY ((ARRAY['consent_reported'::character varying, 'consent_not_given'::character varying, 'it_acknowledged'::character varying, 'mail_requested'::character varying, 'user_signed_in'::character varying])::text[])))
);

ALTER TABLE golive.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME golive.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE golive.pause_time (
    go_live_id uuid NOT NULL,
    began_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone
);

CREATE TABLE golive.personal_link (
    id uuid NOT NULL,
    go_live_id uuid NOT NULL,
    purpose character varying NOT NULL,
    contact_id uuid,
    user_id uuid,
    version integer NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    CONSTRAINT one_subject CHECK ((((contact_id IS NULL) <> (user_id IS NULL)) OR ((purpose)::text = 'hand_off'::text))),
    CONSTRAINT purpose_known CHECK (((purpose)::text = ANY ((ARRAY['consent'::character varying, 'setup'::character varying, 'invitation'::character varying, 'hand_off'::character varying])::text[])))
);

CREATE TABLE golive.plan (
    go_live_id uuid NOT NULL,
    plan_hash character varying NOT NULL,
    made_at timestamp with time zone NOT NULL,
    counts jsonb NOT NULL
);

CREATE TABLE golive.preference (
    organisation_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    time_zone character varying NOT NULL,
    exception_threshold integer NOT NULL,
    it_acknowledgement boolean NOT NULL,
    link_external_members boolean NOT NULL,
    go_live_date date,
    CONSTRAINT threshold_is_a_count CHECK ((exception_threshold >= 0))
);

CREATE TABLE golive.repeated_event (
    event_sha256 character varying NOT NULL,
    network_sha256 character varying NOT NULL,
    action character varying NOT NULL,
    reason character varying NOT NULL,
    subject character varying NOT NULL,
    go_live_id uuid,
    organisation_id uuid,
    since timestamp with time zone NOT NULL,
    times integer NOT NULL
);

CREATE TABLE golive.signing_key (
    fingerprint character varying NOT NULL,
    signs_since timestamp with time zone NOT NULL
);

CREATE TABLE golive.sso_connection (
    organisation_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    administrator_object_id uuid,
    proven_at timestamp with time zone NOT NULL,
    go_live_id uuid NOT NULL
);

CREATE TABLE golive.staff (
    id uuid NOT NULL,
    handle character varying NOT NULL,
    address character varying NOT NULL,
    address_key character varying NOT NULL,
    name character varying NOT NULL,
    time_zone character varying,
    object_id uuid,
    CONSTRAINT handle_is_plain CHECK (((handle)::text ~ '^[a-z0-9][a-z0-9._-]{0,62}$'::text))
);

CREATE TABLE golive.staff_session (
    token_sha256 character varying NOT NULL,
    staff_id uuid NOT NULL,
    role character varying NOT NULL,
    sealed_refresh_token character varying,
    check_due_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    ended_because character varying,
    CONSTRAINT role_known CHECK (((role)::text = ANY ((ARRAY['reader'::character varying, 'manager'::character varying, 'lead'::character varying])::text[])))
);

CREATE TABLE golive.stage_time (
    go_live_id uuid NOT NULL,
    stage character varying NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone
);

CREATE TABLE golive.user_move (
    go_live_id uuid NOT NULL,
    user_id uuid NOT NULL,
    "position" integer NOT NULL,
    move_class character varying NOT NULL,
    reason character varying,
    object_id uuid,
    sign_in_name character varying,
    wave character varying NOT NULL,
    prior_sign_in_method character varying NOT NULL,
    prior_status character varying NOT NULL,
    prior_password_until timestamp with time zone,
    prior_first_sso_sign_in_at timestamp with time zone,
    moved_at timestamp with time zone,
    undone_at timestamp with time zone,
    CONSTRAINT exception_reason CHECK (((reason IS NULL) = ((move_class)::text <> 'exception'::text))),
    CONSTRAINT move_class_known CHECK (((move_class)::text = ANY ((ARRAY['link'::character varying, 'invite'::character varying, 'already_linked'::character varying, 'exception'::character varying])::text[]))),
    CONSTRAINT wave_known CHECK (((wave)::text = ANY ((ARRAY['first'::character varying, 'rest'::character varying])::text[])))
)
WITH (fillfactor='50');

CREATE TABLE golive.verified_domain (
    organisation_id uuid NOT NULL,
    domain character varying NOT NULL
);

CREATE TABLE pulse.agreement (
    organisation_id uuid NOT NULL,
    sso_included boolean NOT NULL,
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    CONSTRAINT starts_before_it_ends CHECK ((starts_on <= ends_on))
);

CREATE TABLE pulse.app_session (
    token_sha256 character varying NOT NULL,
    user_id uuid NOT NULL,
    method character varying NOT NULL,
    started_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    ended_because character varying,
    CONSTRAINT method_known CHECK (((method)::text = ANY ((ARRAY['password'::character varying, 'sso'::character varying])::text[])))
)
WITH (fillfactor='85');

CREATE TABLE pulse.app_user (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    address character varying NOT NULL,
    address_key character varying NOT NULL,
    folded_key character varying,
    display_name character varying NOT NULL,
    status character varying NOT NULL,
    sign_in_method character varying NOT NULL,
    password_until timestamp with time zone,
    first_sso_sign_in_at timestamp with time zone,
    group_name character varying NOT NULL,
    CONSTRAINT sign_in_method_known CHECK (((sign_in_method)::text = ANY ((ARRAY['password'::character varying, 'sso'::character varying])::text[]))),
    CONSTRAINT status_known CHECK (((status)::text = ANY ((ARRAY['active'::character varying, 'invited'::character varying, 'deactivated'::character varying])::text[])))
)
WITH (fillfactor='85');

CREATE TABLE pulse.failed_login (
    id bigint NOT NULL,
    subject_sha256 character varying NOT NULL,
    at timestamp with time zone NOT NULL
);

ALTER TABLE pulse.failed_login ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME pulse.failed_login_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE pulse.organisation (
    id uuid NOT NULL,
    slug character varying NOT NULL,
    name character varying NOT NULL,
    sso_offered boolean NOT NULL,
    CONSTRAINT slug_is_url_safe CHECK (((slug)::text ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'::text))
);

CREATE TABLE pulse.organisation_domain (
    domain character varying NOT NULL,
    organisation_id uuid NOT NULL,
    CONSTRAINT domain_is_folded CHECK (((domain)::text = lower((domain)::text)))
);

CREATE TABLE pulse.password (
    user_id uuid NOT NULL,
    argon2 character varying NOT NULL
);

ALTER TABLE ONLY golive.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY golive.audit_entry
    ADD CONSTRAINT audit_entry_pkey PRIMARY KEY (id);

ALTER TABLE ONLY golive.authorization_request
    ADD CONSTRAINT authorization_request_pkey PRIMARY KEY (state_sha256);

ALTER TABLE ONLY golive.consent_evidence
    ADD CONSTRAINT consent_evidence_pkey PRIMARY KEY (id);

ALTER TABLE ONLY golive.contact
    ADD CONSTRAINT contact_pkey PRIMARY KEY (id);

ALTER TABLE ONLY golive.directory_entry
    ADD CONSTRAINT directory_entry_pkey PRIMARY KEY (go_live_id, page, line);

ALTER TABLE ONLY golive.directory_link
    ADD CONSTRAINT directory_link_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY golive.directory_snapshot
    ADD CONSTRAINT directory_snapshot_pkey PRIMARY KEY (go_live_id);

ALTER TABLE ONLY golive.domain_tenant
    ADD CONSTRAINT domain_tenant_pkey PRIMARY KEY (organisation_id, domain);

ALTER TABLE ONLY golive.exception_decision
    ADD CONSTRAINT exception_decision_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY golive.executed_order
    ADD CONSTRAINT executed_order_pkey PRIMARY KEY (go_live_id, update_id);

ALTER TABLE ONLY golive.file_import
    ADD CONSTRAINT file_import_pkey PRIMARY KEY (id);

ALTER TABLE ONLY golive.go_live
    ADD CONSTRAINT go_live_pkey PRIMARY KEY (id);

ALTER TABLE ONLY golive.mail
    ADD CONSTRAINT mail_pkey PRIMARY KEY (id);

ALTER TABLE ONLY golive.user_move
    ADD CONSTRAINT moved_in_order UNIQUE (go_live_id, "position");

ALTER TABLE ONLY golive.go_live
    ADD CONSTRAINT numbered_per_organisation UNIQUE (organisation_id, number);

ALTER TABLE ONLY golive.contact
    ADD CONSTRAINT one_contact_per_address UNIQUE (organisation_id, address_key);

ALTER TABLE ONLY golive.consent_evidence
    ADD CONSTRAINT one_per_administrator UNIQUE (go_live_id, tenant_id, administrator_object_id);

ALTER TABLE ONLY golive.directory_link
    ADD CONSTRAINT one_user_per_identity UNIQUE (tenant_id, object_id);

ALTER TABLE ONLY golive.order_request
    ADD CONSTRAINT order_request_pkey PRIMARY KEY (id);

ALTER TABLE ONLY golive.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY golive.pause_time
    ADD CONSTRAINT pause_time_pkey PRIMARY KEY (go_live_id, began_at);

ALTER TABLE ONLY golive.personal_link
    ADD CONSTRAINT personal_link_pkey PRIMARY KEY (id);

ALTER TABLE ONLY golive.plan
    ADD CONSTRAINT plan_pkey PRIMARY KEY (go_live_id, plan_hash);

ALTER TABLE ONLY golive.preference
    ADD CONSTRAINT preference_pkey PRIMARY KEY (organisation_id);

ALTER TABLE ONLY golive.repeated_event
    ADD CONSTRAINT repeated_event_pkey PRIMARY KEY (event_sha256, network_sha256);

ALTER TABLE ONLY golive.mail
    ADD CONSTRAINT sent_once UNIQUE (go_live_id, message, idempotency_key, recipient_id);

ALTER TABLE ONLY golive.signing_key
    ADD CONSTRAINT signing_key_pkey PRIMARY KEY (fingerprint);

ALTER TABLE ONLY golive.sso_connection
    ADD CONSTRAINT sso_connection_pkey PRIMARY KEY (organisation_id);

ALTER TABLE ONLY golive.staff
    ADD CONSTRAINT staff_address_key_key UNIQUE (address_key);

ALTER TABLE ONLY golive.staff
    ADD CONSTRAINT staff_handle_key UNIQUE (handle);

ALTER TABLE ONLY golive.staff
    ADD CONSTRAINT staff_object_id_key UNIQUE (object_id);

ALTER TABLE ONLY golive.staff
    ADD CONSTRAINT staff_pkey PRIMARY KEY (id);

ALTER TABLE ONLY golive.staff_session
    ADD CONSTRAINT staff_session_pkey PRIMARY KEY (token_sha256);

ALTER TABLE ONLY golive.stage_time
    ADD CONSTRAINT stage_time_pkey PRIMARY KEY (go_live_id, stage);

ALTER TABLE ONLY golive.user_move
    ADD CONSTRAINT user_move_pkey PRIMARY KEY (go_live_id, user_id);

ALTER TABLE ONLY golive.verified_domain
    ADD CONSTRAINT verified_domain_pkey PRIMARY KEY (organisation_id, domain);

ALTER TABLE ONLY pulse.agreement
    ADD CONSTRAINT agreement_pkey PRIMARY KEY (organisation_id);

ALTER TABLE ONLY pulse.app_session
    ADD CONSTRAINT app_session_pkey PRIMARY KEY (token_sha256);

ALTER TABLE ONLY pulse.app_user
    ADD CONSTRAINT app_user_pkey PRIMARY KEY (id);

ALTER TABLE ONLY pulse.failed_login
    ADD CONSTRAINT failed_login_pkey PRIMARY KEY (id);

ALTER TABLE ONLY pulse.app_user
    ADD CONSTRAINT one_account_per_address UNIQUE (organisation_id, address_key);

ALTER TABLE ONLY pulse.organisation_domain
    ADD CONSTRAINT organisation_domain_pkey PRIMARY KEY (domain);

ALTER TABLE ONLY pulse.organisation
    ADD CONSTRAINT organisation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY pulse.organisation
    ADD CONSTRAINT organisation_slug_key UNIQUE (slug);

ALTER TABLE ONLY pulse.password
    ADD CONSTRAINT password_pkey PRIMARY KEY (user_id);

CREATE INDEX audit_of_go_live ON golive.audit_entry USING btree (go_live_id, id);

CREATE INDEX audit_of_organisation ON golive.audit_entry USING btree (organisation_id, id) WHERE ((action)::text <> ALL ((ARRAY['user_moved'::character varying, 'user_move_undone'::character varying])::text[]));

CREATE INDEX ix_golive_audit_entry_organisation_id ON golive.audit_entry USING btree (organisation_id);

CREATE INDEX ix_golive_authorization_request_expires_at ON golive.authorization_request USING btree (expires_at);

CREATE INDEX ix_golive_file_import_done_at ON golive.file_import USING btree (done_at);

CREATE UNIQUE INDEX live_contact_link ON golive.personal_link USING btree (go_live_id, purpose, contact_id) WHERE ((revoked_at IS NULL) AND (contact_id IS NOT NULL));

CREATE UNIQUE INDEX live_user_link ON golive.personal_link USING btree (go_live_id, purpose, user_id) WHERE ((revoked_at IS NULL) AND (user_id IS NOT NULL));

CREATE INDEX mail_to_deliver ON golive.mail USING btree (go_live_id, due_at, id) WHERE ((state)::text = 'queued'::text);

CREATE UNIQUE INDEX one_digest_a_day ON golive.mail USING btree (message, idempotency_key, recipient_id) WHERE (go_live_id IS NULL);

CREATE UNIQUE INDEX one_entry_per_order ON golive.audit_entry USING btree (order_id) WHERE (order_id IS NOT NULL);

CREATE UNIQUE INDEX one_open_per_organisation ON golive.go_live USING btree (organisation_id) WHERE (closed_at IS NULL);

CREATE INDEX requests_of_browser ON golive.authorization_request USING btree (browser_sha256);

CREATE INDEX requests_of_go_live ON golive.order_request USING btree (go_live_id, requested_at);

CREATE INDEX requests_with_secrets ON golive.authorization_request USING btree (expires_at) WHERE (flow <> '{}'::jsonb);

CREATE INDEX failed_logins_by_age ON pulse.failed_login USING btree (at);

CREATE INDEX failed_logins_of ON pulse.failed_login USING btree (subject_sha256, at);

CREATE INDEX ix_pulse_app_user_address_key ON pulse.app_user USING btree (address_key);

CREATE INDEX ix_pulse_organisation_domain_organisation_id ON pulse.organisation_domain USING btree (organisation_id);

CREATE INDEX sessions_by_end ON pulse.app_session USING btree (expires_at);

CREATE INDEX sessions_of_user ON pulse.app_session USING btree (user_id);

CREATE TRIGGER audit_is_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON golive.audit_entry FOR EACH STATEMENT EXECUTE FUNCTION golive.refuse_audit_change();

CREATE TRIGGER audit_text_is_only_removed BEFORE UPDATE ON golive.audit_entry FOR EACH ROW EXECUTE FUNCTION golive.refuse_other_audit_text();

CREATE TRIGGER go_live_is_kept BEFORE DELETE OR TRUNCATE ON golive.go_live FOR EACH STATEMENT EXECUTE FUNCTION golive.refuse_go_live_deletion();

ALTER TABLE ONLY golive.authorization_request
    ADD CONSTRAINT authorization_request_go_live_id_fkey FOREIGN KEY (go_live_id) REFERENCES golive.go_live(id);

ALTER TABLE ONLY golive.authorization_request
    ADD CONSTRAINT authorization_request_link_id_fkey FOREIGN KEY (link_id) REFERENCES golive.personal_link(id);

ALTER TABLE ONLY golive.authorization_request
    ADD CONSTRAINT authorization_request_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES pulse.organisation(id);

ALTER TABLE ONLY golive.consent_evidence
    ADD CONSTRAINT consent_evidence_go_live_id_fkey FOREIGN KEY (go_live_id) REFERENCES golive.go_live(id);

ALTER TABLE ONLY golive.consent_evidence
    ADD CONSTRAINT consent_evidence_link_id_fkey FOREIGN KEY (link_id) REFERENCES golive.personal_link(id);

ALTER TABLE ONLY golive.contact
    ADD CONSTRAINT contact_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES pulse.organisation(id);

ALTER TABLE ONLY golive.directory_link
    ADD CONSTRAINT directory_link_user_id_fkey FOREIGN KEY (user_id) REFERENCES pulse.app_user(id);

ALTER TABLE ONLY golive.domain_tenant
    ADD CONSTRAINT domain_tenant_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES pulse.organisation(id);

ALTER TABLE ONLY golive.exception_decision
    ADD CONSTRAINT exception_decision_user_id_fkey FOREIGN KEY (user_id) REFERENCES pulse.app_user(id);

ALTER TABLE ONLY golive.executed_order
    ADD CONSTRAINT executed_order_go_live_id_fkey FOREIGN KEY (go_live_id) REFERENCES golive.go_live(id);

ALTER TABLE ONLY golive.go_live
    ADD CONSTRAINT go_live_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES pulse.organisation(id);

ALTER TABLE ONLY golive.go_live
    ADD CONSTRAINT go_live_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES golive.staff(id);

ALTER TABLE ONLY golive.mail
    ADD CONSTRAINT mail_link_id_fkey FOREIGN KEY (link_id) REFERENCES golive.personal_link(id);

ALTER TABLE ONLY golive.order_request
    ADD CONSTRAINT order_request_go_live_id_fkey FOREIGN KEY (go_live_id) REFERENCES golive.go_live(id);

ALTER TABLE ONLY golive.outbox
    ADD CONSTRAINT outbox_go_live_id_fkey FOREIGN KEY (go_live_id) REFERENCES golive.go_live(id);

ALTER TABLE ONLY golive.pause_time
    ADD CONSTRAINT pause_time_go_live_id_fkey FOREIGN KEY (go_live_id) REFERENCES golive.go_live(id);

ALTER TABLE ONLY golive.personal_link
    ADD CONSTRAINT personal_link_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES golive.contact(id);

ALTER TABLE ONLY golive.personal_link
    ADD CONSTRAINT personal_link_go_live_id_fkey FOREIGN KEY (go_live_id) REFERENCES golive.go_live(id);

ALTER TABLE ONLY golive.personal_link
    ADD CONSTRAINT personal_link_user_id_fkey FOREIGN KEY (user_id) REFERENCES pulse.app_user(id);

ALTER TABLE ONLY golive.plan
    ADD CONSTRAINT plan_go_live_id_fkey FOREIGN KEY (go_live_id) REFERENCES golive.go_live(id);

ALTER TABLE ONLY golive.preference
    ADD CONSTRAINT preference_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES pulse.organisation(id);

ALTER TABLE ONLY golive.preference
    ADD CONSTRAINT preference_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES golive.staff(id);

ALTER TABLE ONLY golive.sso_connection
    ADD CONSTRAINT sso_connection_go_live_id_fkey FOREIGN KEY (go_live_id) REFERENCES golive.go_live(id);

ALTER TABLE ONLY golive.sso_connection
    ADD CONSTRAINT sso_connection_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES pulse.organisation(id);

ALTER TABLE ONLY golive.staff_session
    ADD CONSTRAINT staff_session_staff_id_fkey FOREIGN KEY (staff_id) REFERENCES golive.staff(id);

ALTER TABLE ONLY golive.stage_time
    ADD CONSTRAINT stage_time_go_live_id_fkey FOREIGN KEY (go_live_id) REFERENCES golive.go_live(id);

ALTER TABLE ONLY golive.verified_domain
    ADD CONSTRAINT verified_domain_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES pulse.organisation(id);

ALTER TABLE ONLY pulse.agreement
    ADD CONSTRAINT agreement_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES pulse.organisation(id);

ALTER TABLE ONLY pulse.app_session
    ADD CONSTRAINT app_session_user_id_fkey FOREIGN KEY (user_id) REFERENCES pulse.app_user(id);

ALTER TABLE ONLY pulse.app_user
    ADD CONSTRAINT app_user_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES pulse.organisation(id);

ALTER TABLE ONLY pulse.organisation_domain
    ADD CONSTRAINT organisation_domain_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES pulse.organisation(id);

ALTER TABLE ONLY pulse.password
    ADD CONSTRAINT password_user_id_fkey FOREIGN KEY (user_id) REFERENCES pulse.app_user(id) ON DELETE CASCADE;
