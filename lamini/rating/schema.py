"""The tables of a file of ratings. All but the study only grow; of events the file itself sees to that."""

APPLICATION = 0x4C614D72  # "LaMr": tells ratings from any other SQLite file
FORMAT = 1
SCHEMA = (
    "CREATE TABLE study (digest TEXT NOT NULL, head TEXT NOT NULL)",
    "CREATE TABLE items (position INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, id TEXT NOT NULL,"
    ' "group" TEXT NOT NULL, instruction TEXT NOT NULL)',
    "CREATE TABLE targets (position INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,"
    " item TEXT NOT NULL REFERENCES items (key), part TEXT NOT NULL,"
    " texts TEXT NOT NULL, owners TEXT NOT NULL)",  # two JSON lists
    "CREATE TABLE raters (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL)",
    "CREATE TABLE joins (rater INTEGER NOT NULL REFERENCES raters (id), at REAL NOT NULL,"
    " token_hash TEXT NOT NULL, PRIMARY KEY (rater, at, token_hash)) WITHOUT ROWID",  # "": without a link
    "CREATE TABLE takes (number INTEGER PRIMARY KEY, rater INTEGER NOT NULL REFERENCES raters (id),"
    " item TEXT NOT NULL REFERENCES items (key), at REAL NOT NULL, UNIQUE (rater, item, at))",
    "CREATE TABLE events (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " rater INTEGER NOT NULL REFERENCES raters (id), item TEXT NOT NULL REFERENCES items (key),"
    " target TEXT NOT NULL REFERENCES targets (key), level TEXT, note TEXT NOT NULL,"
    " skipped INTEGER NOT NULL, flagged INTEGER NOT NULL, seconds REAL NOT NULL, at REAL NOT NULL)",
    "CREATE INDEX events_by_target ON events (rater, target, at)",
    "CREATE TABLE closings (at REAL NOT NULL)",
    "CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'history stays'); END",
    "CREATE TRIGGER events_last BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'history stays'); END",
)
