-- A queue of layout 1 as its program made it, with mail in several states, for the test of the
-- upgrade. Recorded: never changed when the layout changes.
PRAGMA application_id = 1297304935;
PRAGMA user_version = 1;
CREATE TABLE message (id INTEGER PRIMARY KEY AUTOINCREMENT, fingerprint TEXT NOT NULL, postoffice TEXT NOT NULL, queue TEXT NOT NULL, mailbag TEXT NOT NULL, mai TEXT NOT NULL, sender TEXT NOT NULL, message_id TEXT NOT NULL, subject TEXT NOT NULL, date_ms INTEGER NOT NULL, received_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, size INTEGER NOT NULL, eight_bit INTEGER NOT NULL, priority INTEGER NOT NULL, report_of INTEGER NOT NULL, purged INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX message_by_message_id ON message (message_id);
CREATE INDEX message_unpurged ON message (received_ms) WHERE purged = 0;
CREATE TABLE recipient (id INTEGER PRIMARY KEY AUTOINCREMENT, message INTEGER NOT NULL REFERENCES message (id), state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 5), rank INTEGER NOT NULL, due_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0, doubt INTEGER NOT NULL DEFAULT 0, reported INTEGER NOT NULL DEFAULT 0, original TEXT NOT NULL, address TEXT NOT NULL, status TEXT NOT NULL, reply TEXT NOT NULL, relay TEXT NOT NULL DEFAULT '') STRICT;
CREATE INDEX recipient_by_message ON recipient (message);
CREATE INDEX recipient_by_state ON recipient (state);
CREATE INDEX recipient_due ON recipient (rank, due_ms) WHERE state = 0;
CREATE INDEX recipient_expiry ON recipient (expires_ms) WHERE state = 0;
CREATE INDEX recipient_unreported ON recipient (message) WHERE state = 4 AND reported = 0;
CREATE INDEX recipient_doubt ON recipient (doubt) WHERE doubt = 1;
CREATE TABLE chunk (id INTEGER PRIMARY KEY, message INTEGER NOT NULL REFERENCES message (id), start INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX chunk_by_message ON chunk (message, start);
CREATE TABLE history (id INTEGER PRIMARY KEY, message INTEGER NOT NULL REFERENCES message (id), recipient INTEGER NOT NULL, at_ms INTEGER NOT NULL, event TEXT NOT NULL, status TEXT NOT NULL, reply TEXT NOT NULL, relay TEXT NOT NULL) STRICT;
CREATE INDEX history_by_message ON history (message);
CREATE TABLE journal (fingerprint TEXT NOT NULL, original TEXT NOT NULL COLLATE NOCASE, message INTEGER NOT NULL, PRIMARY KEY (fingerprint, original)) STRICT, WITHOUT ROWID;
CREATE TABLE remain (postoffice TEXT NOT NULL, mailbag TEXT NOT NULL, record INTEGER NOT NULL, mai TEXT NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, PRIMARY KEY (postoffice, mailbag, record, mai)) STRICT, WITHOUT ROWID;
CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;

INSERT INTO message VALUES (1, 'f1', 'CORP/HQ', 'EXCHANGE', '0000002E', '00000062', 'ann@example.com', '<1@example.com>', 'plan', 500, 1000, 1000000, 6, 0, 0, 0, 0);
INSERT INTO message VALUES (2, 'f2', 'CORP/HQ', 'EXCHANGE', '0000002E', '00000063', 'ann@example.com', '<2@example.com>', 'plan B', 500, 1000, 1000000, 6, 0, 52, 0, 0);
INSERT INTO recipient VALUES (1, 1, 0, 3, 2000, 1000000, 1000, 0, 0, 0, 'CORP/HQ/BOB', 'bob@example.com', '', '', '');
INSERT INTO recipient VALUES (2, 1, 3, 3, 2000, 1000000, 1500, 1, 0, 0, 'CORP/HQ/EVE', 'eve@example.com', '2.0.0', '250 ok', 'mx[192.0.2.1]:25');
INSERT INTO recipient VALUES (3, 2, 0, 1, 2000, 1000000, 1500, 1, 1, 0, 'Corp/hq/Bob', 'bob@example.com', '4.4.2', 'no reply', 'mx[192.0.2.1]:25');
INSERT INTO chunk VALUES (1, 1, 0, x'626F64790D0A');
INSERT INTO chunk VALUES (2, 2, 0, x'626F64790D0A');
INSERT INTO history VALUES (1, 1, 1, 1000, 'queued', '', '', '');
INSERT INTO history VALUES (2, 1, 2, 1000, 'queued', '', '', '');
INSERT INTO history VALUES (3, 2, 3, 1000, 'queued', '', '', '');
INSERT INTO journal VALUES ('f1', 'CORP/HQ/BOB', 1);
INSERT INTO journal VALUES ('f1', 'CORP/HQ/EVE', 1);
INSERT INTO journal VALUES ('f2', 'Corp/hq/Bob', 2);
INSERT INTO remain VALUES ('CORP/HQ', '0000002E', 7, '00000070', 'unmapped', 'KIM is not in the map', 10, 20);
INSERT INTO remain VALUES ('CORP/HQ', '', 1, 'get-1', 'damaged', 'no DATE', 11, 21);
INSERT INTO remain VALUES ('CORP/NORTH', '', 1, 'get-1', 'damaged', 'no TIME', 12, 22);
INSERT INTO note VALUES ('route.relay', '{}', 5);
