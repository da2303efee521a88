"""Classifies every user of an organisation: docs/matching.md as one SQL statement."""


def classification(entries: str) -> str:
    """Return the `WITH` clauses that end in `classified`: every user in exactly one class.

    Values to bind: `staging_id`, `organisation_id`, `tenant_id`, and `go_live_id`: links that this
    go-live made do not count against other users. Every step is a join of sets; matching is an
    equality join of address keys, and an address on two objects is ambiguous, never the first of
    them. So is an address that is equal to another only after case folding.

    Args:
        entries: the staging table to match with.
    """
    return _CLASSIFICATION.replace("{entries}", entries)


# Materialised, so that statistics of the real tables decide about each join on its own.
_CLASSIFICATION = """
WITH organisation_users AS MATERIALIZED (
    SELECT u.id, u.address_key, u.folded_key, u.status, u.sign_in_method, u.group_name, d.decision,
           d.object_id AS decided_object_id, l.tenant_id AS linked_tenant_id,
           l.object_id AS linked_object_id, split_part(u.address_key, '@', -1) AS domain
    FROM pulse.app_user u
    LEFT JOIN golive.exception_decision d ON d.user_id = u.id
    LEFT JOIN golive.directory_link l ON l.user_id = u.id
    WHERE u.organisation_id = :organisation_id
),
directory AS MATERIALIZED (
    SELECT DISTINCT ON (object_id) object_id, is_guest, is_external, enabled, is_person,
           address_keys, folded_keys, sign_in_name
    FROM {entries}
    WHERE go_live_id = :staging_id
    ORDER BY object_id, page DESC, line DESC
),
addresses AS (
    SELECT object_id, unnest(address_keys) AS address_key FROM directory
),
matched AS (
    SELECT u.id AS user_id, count(*) AS objects, any_value(a.object_id) AS object_id
    FROM organisation_users u JOIN addresses a USING (address_key)
    GROUP BY u.id
),
resembling AS (
    SELECT u.id AS user_id FROM organisation_users u
    JOIN (SELECT unnest(folded_keys) AS folded_key FROM directory) f
        ON f.folded_key = coalesce(u.folded_key, u.address_key)
    UNION
    SELECT u.id FROM organisation_users u JOIN addresses a ON a.address_key = u.folded_key
),
elsewhere AS (
    SELECT u.id AS user_id FROM organisation_users u WHERE EXISTS (
        SELECT FROM pulse.app_user other
        LEFT JOIN golive.exception_decision d ON d.user_id = other.id
        WHERE other.address_key = u.address_key AND other.organisation_id <> :organisation_id
          AND other.status <> 'deactivated' AND d.decision IS DISTINCT FROM 'exclude')
),
candidates AS (
    SELECT u.id AS user_id, u.status, u.sign_in_method, u.group_name, u.domain, u.decision,
           u.linked_tenant_id, u.linked_object_id, u.linked_object_id IS NOT NULL AS is_linked,
           u.decision IS NOT DISTINCT FROM 'link' AS is_decided,
           u.status <> 'deactivated' AND u.decision IS DISTINCT FROM 'exclude' AS counts,
           CASE WHEN u.linked_object_id IS NOT NULL THEN u.linked_object_id
                WHEN u.decision = 'link' THEN u.decided_object_id
                WHEN m.objects = 1 THEN m.object_id END AS object_id,
           m.objects IS NOT NULL OR s.user_id IS NOT NULL AS has_candidate
    FROM organisation_users u LEFT JOIN matched m ON m.user_id = u.id
    LEFT JOIN resembling s ON s.user_id = u.id
),
rivals AS (
    SELECT object_id, count(*) AS users, count(*) FILTER (WHERE is_decided) AS decided
    FROM candidates WHERE counts AND object_id IS NOT NULL GROUP BY object_id HAVING count(*) > 1
),
reasoned AS (
    SELECT c.user_id, c.status, c.group_name, c.object_id, c.sign_in_method, c.is_linked,
    d.sign_in_name,
    CASE
        WHEN c.status = 'deactivated' THEN 'deactivated'
        WHEN c.decision = 'exclude' THEN 'excluded'
        WHEN c.linked_tenant_id <> :tenant_id THEN 'linked_to_another'
        WHEN NOT c.is_linked AND NOT c.is_decided AND v.domain IS NULL
            THEN 'outside_verified_domains'
        WHEN NOT c.is_linked AND NOT c.is_decided AND o.domain IS NULL
            THEN 'domain_not_listed'
        WHEN NOT c.is_linked AND NOT c.is_decided AND e.user_id IS NOT NULL
            THEN 'more_than_one_organisation'
        WHEN c.object_id IS NULL AND NOT c.has_candidate THEN 'no_match'
        WHEN c.object_id IS NULL THEN 'ambiguous'
        WHEN d.object_id IS NULL AND c.is_linked THEN 'linked_account_gone'
        WHEN d.object_id IS NULL THEN 'decided_account_missing'
        WHEN d.is_guest THEN 'guest'
        WHEN NOT d.enabled THEN 'disabled'
        WHEN d.is_external AND NOT c.is_linked AND NOT c.is_decided AND NOT (
            SELECT p.link_external_members FROM golive.preference p
            WHERE p.organisation_id = :organisation_id)
            THEN 'external_member'
        WHEN NOT d.is_person AND NOT c.is_linked AND NOT c.is_decided
            THEN 'shared_or_service_account'
        WHEN held.user_id <> c.user_id AND held.go_live_id IS DISTINCT FROM :go_live_id
            THEN 'linked_to_another'
        WHEN NOT c.is_linked AND (r.decided > 1 OR r.users > 1 AND NOT c.is_decided)
            THEN 'same_person_twice'
        WHEN held.user_id <> c.user_id THEN 'linked_to_another'
    END AS reason
    FROM candidates c
    LEFT JOIN directory d ON d.object_id = c.object_id
    LEFT JOIN golive.verified_domain v
        ON v.organisation_id = :organisation_id AND v.domain = c.domain
    LEFT JOIN pulse.organisation_domain o
        ON o.organisation_id = :organisation_id AND o.domain = c.domain
    LEFT JOIN elsewhere e ON e.user_id = c.user_id
    LEFT JOIN golive.directory_link held
        ON held.tenant_id = :tenant_id AND held.object_id = c.object_id
    LEFT JOIN rivals r ON r.object_id = c.object_id
),
classified AS (
    SELECT user_id, group_name, reason, sign_in_method, status,
    CASE WHEN reason IS NULL THEN object_id END AS object_id,
    CASE WHEN reason IS NULL THEN sign_in_name END AS sign_in_name,
    CASE
        WHEN reason IS NOT NULL THEN 'exception'
        WHEN is_linked AND sign_in_method = 'sso' THEN 'already_linked'
        WHEN status = 'invited' THEN 'invite'
        ELSE 'link'
    END AS move_class
    FROM reasoned
)
"""
