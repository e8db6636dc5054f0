-- Roles belong to the whole cluster, so another database may have made it before.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'groundswell_relay') THEN
        CREATE ROLE groundswell_relay NOLOGIN;
    END IF;
END
$$;

ALTER ROLE groundswell_relay SET statement_timeout = '30s';

GRANT SELECT, DELETE ON outbox TO groundswell_relay;

-- A row lives for milliseconds, in which packing and unpacking it took longer than all else.
ALTER TABLE outbox ALTER messages SET STORAGE EXTERNAL;

REVOKE UPDATE, DELETE ON outbox FROM groundswell_ingest
