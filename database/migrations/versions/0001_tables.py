"""Tables of the product and of the orchestrator"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute('CREATE SCHEMA IF NOT EXISTS pulse')
    op.create_table('directory_entry',
    sa.Column('go_live_id', sa.Uuid(), nullable=False),
    sa.Column('page', sa.Integer(), nullable=False),
    sa.Column('line', sa.Integer(), nullable=False),
    sa.Column('object_id', sa.Uuid(), nullable=False),
    sa.Column('is_guest', sa.Boolean(), nullable=False),
    sa.Column('enabled', sa.Boolean(), nullable=False),
    sa.Column('is_person', sa.Boolean(), nullable=False),
    sa.Column('address_keys', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('go_live_id', 'page', 'line'),
    schema='golive'
    )
    op.create_table('directory_snapshot',
    sa.Column('go_live_id', sa.Uuid(), nullable=False),
    sa.Column('pages', sa.Integer(), nullable=False),
    sa.Column('entries', sa.Integer(), nullable=False),
    sa.Column('next_link', sa.String(), nullable=True),
    sa.Column('reader', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('go_live_id'),
    schema='golive'
    )
    op.create_table('staff',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('handle', sa.String(), nullable=False),
    sa.Column('address', sa.String(), nullable=False),
    sa.Column('address_key', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('object_id', sa.Uuid(), nullable=True),
    sa.CheckConstraint("handle ~ '^[a-z0-9][a-z0-9._-]{0,62}$'", name='handle_is_plain'),
    sa.CheckConstraint("role IN ('customer_success', 'administrator')", name='role_known'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('address_key'),
    sa.UniqueConstraint('handle'),
    sa.UniqueConstraint('object_id'),
    schema='golive'
    )
    op.create_table('failed_login',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('subject_sha256', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    schema='pulse'
    )
    op.create_index('failed_logins_of', 'failed_login', ['subject_sha256', 'at'], unique=False, schema='pulse')
    op.create_table('organisation',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('slug', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('sso_offered', sa.Boolean(), nullable=False),
    sa.CheckConstraint("slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'", name='slug_is_url_safe'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('slug'),
    schema='pulse'
    )
    op.create_table('contact',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('address', sa.String(), nullable=False),
    sa.Column('address_key', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('time_zone', sa.String(), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.CheckConstraint('position >= 1', name='position_counts_from_one'),
    sa.ForeignKeyConstraint(['organisation_id'], ['pulse.organisation.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('organisation_id', 'address_key', name='one_contact_per_address'),
    schema='golive'
    )
    op.create_table('domain_tenant',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('domain', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.Uuid(), nullable=True),
    sa.Column('discovered_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['pulse.organisation.id'], ),
    sa.PrimaryKeyConstraint('organisation_id', 'domain'),
    schema='golive'
    )
    op.create_table('go_live',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('owner_id', sa.Uuid(), nullable=False),
    sa.Column('started_by', sa.String(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('aftercare_days', sa.Integer(), nullable=False),
    sa.Column('stage', sa.String(), nullable=False),
    sa.Column('wait', sa.String(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attention', sa.String(), nullable=True),
    sa.Column('may_skip', sa.Boolean(), nullable=False),
    sa.Column('refusal', sa.String(), nullable=True),
    sa.Column('paused', sa.Boolean(), nullable=False),
    sa.Column('users_done', sa.Integer(), nullable=False),
    sa.Column('users_total', sa.Integer(), nullable=False),
    sa.Column('exceptions', sa.Integer(), nullable=False),
    sa.Column('plan_hash', sa.String(), nullable=True),
    sa.Column('moved_up_to', sa.Integer(), nullable=False),
    sa.Column('tenant_id', sa.Uuid(), nullable=True),
    sa.Column('prior_sso_offered', sa.Boolean(), nullable=True),
    sa.Column('undo_started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('move_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.String(), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('(outcome IS NULL) = (closed_at IS NULL)', name='closed_has_outcome'),
    sa.ForeignKeyConstraint(['organisation_id'], ['pulse.organisation.id'], ),
    sa.ForeignKeyConstraint(['owner_id'], ['golive.staff.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('organisation_id', 'number', name='numbered_per_organisation'),
    schema='golive'
    )
    op.create_index('one_open_per_organisation', 'go_live', ['organisation_id'], unique=True, schema='golive', postgresql_where=sa.text('closed_at IS NULL'))
    op.create_table('preference',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('owner_id', sa.Uuid(), nullable=False),
    sa.Column('country', sa.String(), nullable=False),
    sa.Column('time_zone', sa.String(), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('exception_threshold', sa.Integer(), nullable=False),
    sa.Column('it_acknowledgement', sa.Boolean(), nullable=False),
    sa.Column('go_live_date', sa.Date(), nullable=True),
    sa.CheckConstraint('exception_threshold >= 0', name='threshold_is_a_count'),
    sa.ForeignKeyConstraint(['organisation_id'], ['pulse.organisation.id'], ),
    sa.ForeignKeyConstraint(['owner_id'], ['golive.staff.id'], ),
    sa.PrimaryKeyConstraint('organisation_id'),
    schema='golive'
    )
    op.create_table('staff_session',
    sa.Column('token_sha256', sa.String(), nullable=False),
    sa.Column('staff_id', sa.Uuid(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['staff_id'], ['golive.staff.id'], ),
    sa.PrimaryKeyConstraint('token_sha256'),
    schema='golive'
    )
    op.create_table('verified_domain',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('domain', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['pulse.organisation.id'], ),
    sa.PrimaryKeyConstraint('organisation_id', 'domain'),
    schema='golive'
    )
    op.create_table('agreement',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('sso_included', sa.Boolean(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.CheckConstraint('starts_on <= ends_on', name='starts_before_it_ends'),
    sa.ForeignKeyConstraint(['organisation_id'], ['pulse.organisation.id'], ),
    sa.PrimaryKeyConstraint('organisation_id'),
    schema='pulse'
    )
    op.create_table('app_user',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('address', sa.String(), nullable=False),
    sa.Column('address_key', sa.String(), nullable=False),
    sa.Column('display_name', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('sign_in_method', sa.String(), nullable=False),
    sa.Column('password_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('first_sso_sign_in_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('group_name', sa.String(), nullable=False),
    sa.CheckConstraint("sign_in_method IN ('password', 'sso')", name='sign_in_method_known'),
    sa.CheckConstraint("status IN ('active', 'invited', 'deactivated')", name='status_known'),
    sa.ForeignKeyConstraint(['organisation_id'], ['pulse.organisation.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('organisation_id', 'address_key', name='one_account_per_address'),
    schema='pulse',
    postgresql_with={'fillfactor': 85}
    )
    op.create_index(op.f('ix_pulse_app_user_address_key'), 'app_user', ['address_key'], unique=False, schema='pulse')
    op.create_table('organisation_domain',
    sa.Column('domain', sa.String(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.CheckConstraint('domain = lower(domain)', name='domain_is_folded'),
    sa.ForeignKeyConstraint(['organisation_id'], ['pulse.organisation.id'], ),
    sa.PrimaryKeyConstraint('domain'),
    schema='pulse'
    )
    op.create_index(op.f('ix_pulse_organisation_domain_organisation_id'), 'organisation_domain', ['organisation_id'], unique=False, schema='pulse')
    op.create_table('audit_entry',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('action', sa.String(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=True),
    sa.Column('go_live_id', sa.Uuid(), nullable=True),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['go_live_id'], ['golive.go_live.id'], ),
    sa.ForeignKeyConstraint(['organisation_id'], ['pulse.organisation.id'], ),
    sa.PrimaryKeyConstraint('id'),
    schema='golive'
    )
    op.create_index('audit_of_go_live', 'audit_entry', ['go_live_id', 'id'], unique=False, schema='golive')
    op.create_index(op.f('ix_golive_audit_entry_organisation_id'), 'audit_entry', ['organisation_id'], unique=False, schema='golive')
    op.create_table('directory_link',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('tenant_id', sa.Uuid(), nullable=False),
    sa.Column('object_id', sa.Uuid(), nullable=False),
    sa.Column('go_live_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['go_live_id'], ['golive.go_live.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['pulse.app_user.id'], ),
    sa.PrimaryKeyConstraint('user_id'),
    sa.UniqueConstraint('tenant_id', 'object_id', name='one_user_per_identity'),
    schema='golive'
    )
    op.create_table('exception_decision',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('decision', sa.String(), nullable=False),
    sa.Column('object_id', sa.Uuid(), nullable=True),
    sa.Column('decided_by', sa.String(), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reason_id', sa.BigInteger(), nullable=False),
    sa.CheckConstraint("decision IN ('link', 'exclude')", name='decision_known'),
    sa.ForeignKeyConstraint(['user_id'], ['pulse.app_user.id'], ),
    sa.PrimaryKeyConstraint('user_id'),
    schema='golive'
    )
    op.create_table('personal_link',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('go_live_id', sa.Uuid(), nullable=False),
    sa.Column('purpose', sa.String(), nullable=False),
    sa.Column('contact_id', sa.Uuid(), nullable=True),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(contact_id IS NULL) <> (user_id IS NULL) OR purpose = 'hand_off'", name='one_subject'),
    sa.CheckConstraint("purpose IN ('consent', 'setup', 'invitation', 'hand_off')", name='purpose_known'),
    sa.ForeignKeyConstraint(['contact_id'], ['golive.contact.id'], ),
    sa.ForeignKeyConstraint(['go_live_id'], ['golive.go_live.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['pulse.app_user.id'], ),
    sa.PrimaryKeyConstraint('id'),
    schema='golive'
    )
    op.create_index('live_contact_link', 'personal_link', ['go_live_id', 'purpose', 'contact_id'], unique=True, schema='golive', postgresql_where=sa.text('revoked_at IS NULL AND contact_id IS NOT NULL'))
    op.create_index('live_user_link', 'personal_link', ['go_live_id', 'purpose', 'user_id'], unique=True, schema='golive', postgresql_where=sa.text('revoked_at IS NULL AND user_id IS NOT NULL'))
    op.create_table('plan',
    sa.Column('go_live_id', sa.Uuid(), nullable=False),
    sa.Column('plan_hash', sa.String(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('counts', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['go_live_id'], ['golive.go_live.id'], ),
    sa.PrimaryKeyConstraint('go_live_id', 'plan_hash'),
    schema='golive'
    )
    op.create_table('sso_connection',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('tenant_id', sa.Uuid(), nullable=False),
    sa.Column('administrator_object_id', sa.Uuid(), nullable=False),
    sa.Column('proven_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('go_live_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['go_live_id'], ['golive.go_live.id'], ),
    sa.ForeignKeyConstraint(['organisation_id'], ['pulse.organisation.id'], ),
    sa.PrimaryKeyConstraint('organisation_id'),
    schema='golive'
    )
    op.create_table('stage_time',
    sa.Column('go_live_id', sa.Uuid(), nullable=False),
    sa.Column('stage', sa.String(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['go_live_id'], ['golive.go_live.id'], ),
    sa.PrimaryKeyConstraint('go_live_id', 'stage'),
    schema='golive'
    )
    op.create_table('user_move',
    sa.Column('go_live_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('move_class', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('object_id', sa.Uuid(), nullable=True),
    sa.Column('wave', sa.String(), nullable=False),
    sa.Column('prior_sign_in_method', sa.String(), nullable=False),
    sa.Column('prior_status', sa.String(), nullable=False),
    sa.Column('prior_password_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('prior_first_sso_sign_in_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('moved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('undone_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(reason IS NULL) = (move_class <> 'exception')", name='exception_reason'),
    sa.CheckConstraint("move_class IN ('link', 'invite', 'already_linked', 'exception')", name='move_class_known'),
    sa.CheckConstraint("wave IN ('first', 'rest')", name='wave_known'),
    sa.ForeignKeyConstraint(['go_live_id'], ['golive.go_live.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['pulse.app_user.id'], ),
    sa.PrimaryKeyConstraint('go_live_id', 'user_id'),
    sa.UniqueConstraint('go_live_id', 'position', name='moved_in_order'),
    schema='golive',
    postgresql_with={'fillfactor': 50}
    )
    op.create_table('app_session',
    sa.Column('token_sha256', sa.String(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('method', sa.String(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_because', sa.String(), nullable=True),
    sa.CheckConstraint("method IN ('password', 'sso')", name='method_known'),
    sa.ForeignKeyConstraint(['user_id'], ['pulse.app_user.id'], ),
    sa.PrimaryKeyConstraint('token_sha256'),
    schema='pulse',
    postgresql_with={'fillfactor': 85}
    )
    op.create_index('sessions_of_user', 'app_session', ['user_id'], unique=False, schema='pulse')
    op.create_table('password',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('argon2', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['pulse.app_user.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id'),
    schema='pulse'
    )
    op.create_table('consent_evidence',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('go_live_id', sa.Uuid(), nullable=False),
    sa.Column('link_id', sa.Uuid(), nullable=True),
    sa.Column('tenant_id', sa.Uuid(), nullable=False),
    sa.Column('administrator_object_id', sa.Uuid(), nullable=False),
    sa.Column('checked_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['go_live_id'], ['golive.go_live.id'], ),
    sa.ForeignKeyConstraint(['link_id'], ['golive.personal_link.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('go_live_id', 'tenant_id', 'administrator_object_id', name='one_per_administrator'),
    schema='golive'
    )
    op.create_table('mail',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('go_live_id', sa.Uuid(), nullable=False),
    sa.Column('message', sa.String(), nullable=False),
    sa.Column('occasion', sa.String(), nullable=False),
    sa.Column('recipient_kind', sa.String(), nullable=False),
    sa.Column('recipient_id', sa.Uuid(), nullable=False),
    sa.Column('link_id', sa.Uuid(), nullable=True),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('reply', sa.String(), nullable=True),
    sa.Column('message_id', sa.String(), nullable=True),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("recipient_kind IN ('staff', 'contact', 'user')", name='recipient_kind_known'),
    sa.CheckConstraint("state IN ('queued', 'sent', 'refused', 'withdrawn')", name='state_known'),
    sa.ForeignKeyConstraint(['go_live_id'], ['golive.go_live.id'], ),
    sa.ForeignKeyConstraint(['link_id'], ['golive.personal_link.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('go_live_id', 'message', 'occasion', 'recipient_id', name='sent_once'),
    schema='golive'
    )
    op.create_index('mail_to_deliver', 'mail', ['go_live_id', 'due_at'], unique=False, schema='golive', postgresql_where=sa.text("state = 'queued'"))
    op.create_table('microsoft_round_trip',
    sa.Column('state_sha256', sa.String(), nullable=False),
    sa.Column('purpose', sa.String(), nullable=False),
    sa.Column('browser_sha256', sa.String(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=True),
    sa.Column('go_live_id', sa.Uuid(), nullable=True),
    sa.Column('link_id', sa.Uuid(), nullable=True),
    sa.Column('tenant_id', sa.Uuid(), nullable=True),
    sa.Column('link_version', sa.Integer(), nullable=True),
    sa.Column('evidence_id', sa.Uuid(), nullable=True),
    sa.Column('flow', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("purpose IN ('consent', 'consent_sign_in', 'sign_in', 'invitation', 'console')", name='purpose_known'),
    sa.ForeignKeyConstraint(['go_live_id'], ['golive.go_live.id'], ),
    sa.ForeignKeyConstraint(['link_id'], ['golive.personal_link.id'], ),
    sa.ForeignKeyConstraint(['organisation_id'], ['pulse.organisation.id'], ),
    sa.PrimaryKeyConstraint('state_sha256'),
    schema='golive'
    )
    op.create_index(op.f('ix_golive_microsoft_round_trip_expires_at'), 'microsoft_round_trip', ['expires_at'], unique=False, schema='golive')
    op.execute(
        """
        CREATE FUNCTION golive.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the audit trail is append-only';
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
        ON golive.audit_entry EXECUTE FUNCTION golive.refuse_audit_change()
        """
    )


def downgrade() -> None:
    op.execute('DROP TRIGGER audit_is_append_only ON golive.audit_entry')
    op.execute('DROP FUNCTION golive.refuse_audit_change()')
    op.drop_index(op.f('ix_golive_microsoft_round_trip_expires_at'), table_name='microsoft_round_trip', schema='golive')
    op.drop_table('microsoft_round_trip', schema='golive')
    op.drop_index('mail_to_deliver', table_name='mail', schema='golive', postgresql_where=sa.text("state = 'queued'"))
    op.drop_table('mail', schema='golive')
    op.drop_table('consent_evidence', schema='golive')
    op.drop_table('password', schema='pulse')
    op.drop_index('sessions_of_user', table_name='app_session', schema='pulse')
    op.drop_table('app_session', schema='pulse')
    op.drop_table('user_move', schema='golive')
    op.drop_table('stage_time', schema='golive')
    op.drop_table('sso_connection', schema='golive')
    op.drop_table('plan', schema='golive')
    op.drop_index('live_user_link', table_name='personal_link', schema='golive', postgresql_where=sa.text('revoked_at IS NULL AND user_id IS NOT NULL'))
    op.drop_index('live_contact_link', table_name='personal_link', schema='golive', postgresql_where=sa.text('revoked_at IS NULL AND contact_id IS NOT NULL'))
    op.drop_table('personal_link', schema='golive')
    op.drop_table('exception_decision', schema='golive')
    op.drop_table('directory_link', schema='golive')
    op.drop_index(op.f('ix_golive_audit_entry_organisation_id'), table_name='audit_entry', schema='golive')
    op.drop_index('audit_of_go_live', table_name='audit_entry', schema='golive')
    op.drop_table('audit_entry', schema='golive')
    op.drop_index(op.f('ix_pulse_organisation_domain_organisation_id'), table_name='organisation_domain', schema='pulse')
    op.drop_table('organisation_domain', schema='pulse')
    op.drop_index(op.f('ix_pulse_app_user_address_key'), table_name='app_user', schema='pulse')
    op.drop_table('app_user', schema='pulse')
    op.drop_table('agreement', schema='pulse')
    op.drop_table('verified_domain', schema='golive')
    op.drop_table('staff_session', schema='golive')
    op.drop_table('preference', schema='golive')
    op.drop_index('one_open_per_organisation', table_name='go_live', schema='golive', postgresql_where=sa.text('closed_at IS NULL'))
    op.drop_table('go_live', schema='golive')
    op.drop_table('domain_tenant', schema='golive')
    op.drop_table('contact', schema='golive')
    op.drop_table('organisation', schema='pulse')
    op.drop_index('failed_logins_of', table_name='failed_login', schema='pulse')
    op.drop_table('failed_login', schema='pulse')
    op.drop_table('staff', schema='golive')
    op.drop_table('directory_snapshot', schema='golive')
    op.drop_table('directory_entry', schema='golive')
