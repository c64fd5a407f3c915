-- Every object, as the JSON that Stripe would show. `seq` is the order of creation; `clock` is its test clock, `due` when
-- time next changes it, in seconds since the epoch on that clock.
CREATE TABLE IF NOT EXISTS objects (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    id      TEXT NOT NULL UNIQUE,
    kind    TEXT NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0,
    body    TEXT NOT NULL,
    private TEXT NOT NULL,
    clock   TEXT,
    due     INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS objects_by_due ON objects (clock, due, seq) WHERE due IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_by_customer ON objects (kind, json_extract(body, '$.customer'), seq);
CREATE INDEX IF NOT EXISTS objects_by_lookup_key ON objects (json_extract(body, '$.lookup_key'))
    WHERE kind = 'price';

-- The first answer to each idempotency key.
CREATE TABLE IF NOT EXISTS idempotency (
    key         TEXT PRIMARY KEY,
    endpoint    TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status      INTEGER NOT NULL,
    body        TEXT NOT NULL,
    request_id  TEXT NOT NULL,
    created     INTEGER NOT NULL
) STRICT;

-- One row for each event and endpoint. Times are milliseconds.
CREATE TABLE IF NOT EXISTS deliveries (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    event    TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('pending', 'succeeded', 'failed')),
    tries    INTEGER NOT NULL DEFAULT 0,
    created  INTEGER NOT NULL,
    due      INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS deliveries_by_event ON deliveries (event);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due) WHERE state = 'pending';

-- Each try of a delivery. `status` is null where there was no reply; `reply` then says why.
CREATE TABLE IF NOT EXISTS tries (
    delivery INTEGER NOT NULL REFERENCES deliveries (id),
    at       INTEGER NOT NULL,
    duration INTEGER NOT NULL,
    status   INTEGER,
    reply    TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS tries_by_delivery ON tries (delivery);

CREATE TABLE IF NOT EXISTS settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
