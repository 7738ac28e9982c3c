"""A W&B server on this machine, as far as `wandb sync`, `wandb.init`, `wandb agent` and wandb-workspaces ask.

GraphQL by the name of its operation, the file stream by the offsets of its lines, uploads by PUT. What
arrives is kept as a server would keep it: `Server.runs` by id, `Server.views` by name. A wrong key gets 401.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "a1b2c3d4" * 5
ENTITY = "somebody"
Tree = dict[str, Any]


@dataclass
class Run:
    """What a server knows of a run."""

    id: str
    told: Tree = field(default_factory=dict)  # the last value of every variable of UpsertBucket
    files: dict[str, dict[int, str]] = field(default_factory=dict)  # file stream: name -> line number -> line
    uploaded: set[str] = field(default_factory=set)
    exit_code: int | None = None
    complete: bool = False

    @property
    def name(self) -> str:
        return str(self.told["displayName"])

    @property
    def group(self) -> str:
        return str(self.told["groupName"])

    @property
    def tags(self) -> list[str]:
        return list(self.told["tags"])

    @property
    def config(self) -> Tree:
        """Without W&B's own entry and its `value` around each."""
        whole = json.loads(self.told["config"])
        return {key: entry["value"] for key, entry in whole.items() if key != "_wandb"}

    @property
    def history(self) -> list[Tree]:
        lines = self.files.get("wandb-history.jsonl", {})
        assert sorted(lines) == list(range(len(lines))), "a line of the history is missing"
        return [json.loads(lines[number]) for number in sorted(lines)]

    @property
    def summary(self) -> Tree:
        lines = self.files.get("wandb-summary.json", {})
        return dict(json.loads(lines[max(lines)])) if lines else {}


class Server(ThreadingHTTPServer):
    """`url` is WANDB_BASE_URL."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.guard = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.runs: dict[str, Run] = {}
        self.projects: set[str] = set()
        self.views: list[Tree] = []
        self.sweep: Tree = {}  # config (YAML) of the one sweep
        self.commands: list[Tree] = []  # that its agent will be given, one at a heartbeat
        self.asked: list[tuple[str, Tree]] = []  # operations and their variables
        self.stored: dict[str, bytes] = {}  # uploads by path
        self.unknown: list[str] = []  # what this stub has no answer for

    @property
    def environment(self) -> dict[str, str]:
        """Of a process that speaks to this server only."""
        return {
            "WANDB_BASE_URL": self.url, "WANDB_API_KEY": KEY, "WANDB_ERROR_REPORTING": "false",
            "WANDB_X_DISABLE_UPDATE_CHECK": "true", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1",
        }  # fmt: skip

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is none of ours; any other error is an answer we owe."""
        error = sys.exception()
        if not isinstance(error, ConnectionError):
            self.unknown.append(repr(error))

    def operations(self) -> list[str]:
        return [name for name, _ in self.asked]

    # -- answers ---------------------------------------------------------------------------------------

    def answer(self, query: str, variables: Tree) -> Tree | None:
        """The data of a GraphQL operation; None: no such thing here."""
        found = re.search(r"(?:query|mutation)\s+(\w+)", query)
        name = found.group(1) if found else query.strip()[:60]
        self.asked.append((name, variables))
        try:
            return dict(getattr(self, f"on_{name.lower()}")(variables))
        except (AttributeError, KeyError) as error:
            self.unknown.append(f"{name}: {error!r} of {sorted(variables)}")
            return None

    def on_viewer(self, told: Tree) -> Tree:
        viewer = {
            "id": "VXNlcjox", "entity": ENTITY, "username": ENTITY, "email": "", "name": ENTITY,
            "flags": "{}", "admin": False, "deletedAt": None, "apiKeys": {"edges": []},
            "teams": {"edges": [{"node": {"name": ENTITY}}]},
        }  # fmt: skip
        return {"viewer": viewer}

    on_getviewer = on_viewer

    def on_serverfeaturesquery(self, told: Tree) -> Tree:
        return {"serverInfo": {"features": []}}

    def on_serverinfo(self, told: Tree) -> Tree:
        return {
            "serverInfo": {"cliVersionInfo": {"max_cli_version": "99.0.0"}, "latestLocalVersionInfo": None}
        }

    def on_runresumestatus(self, told: Tree) -> Tree:
        run = self.runs.get(told["name"])
        project = {"id": "UHJvamVjdDox", "name": told["project"], "entity": _entity()}
        return {"model": {**project, "bucket": run and self._resumable(run)}}

    def _resumable(self, run: Run) -> Tree:
        tail = json.dumps([json.dumps(line) for line in run.history[-1:]])
        return {
            "id": _storage_id(run.id), "name": run.id, "summaryMetrics": json.dumps(run.summary),
            "displayName": run.told.get("displayName"), "tags": run.told.get("tags") or [], "notes": None,
            "logLineCount": len(run.files.get("output.log", {})), "historyLineCount": len(run.history),
            "eventsLineCount": len(run.files.get("wandb-events.jsonl", {})), "historyTail": tail,
            "eventsTail": "[]", "config": run.told.get("config") or "{}", "wandbConfig": '{"t": 1}',
        }  # fmt: skip

    def on_upsertbucket(self, told: Tree) -> Tree:
        wanted = told.get("name") or base64.b64decode(told["id"]).decode().split(":")[2]
        new = wanted not in self.runs
        run = self.runs.setdefault(wanted, Run(wanted))
        run.told.update({key: value for key, value in told.items() if value is not None})
        project = {
            "id": "UHJvamVjdDox",
            "name": run.told.get("project") or "uncategorized",
            "entity": _entity(),
        }
        bucket = {
            "id": _storage_id(run.id), "name": run.id, "displayName": run.told.get("displayName"),
            "description": None, "config": None, "sweepName": run.told.get("sweep"), "project": project,
            "historyLineCount": len(run.history),
        }  # fmt: skip
        return {"upsertBucket": {"bucket": bucket, "inserted": new}}

    def on_createrunfiles(self, told: Tree) -> Tree:
        files = [{"name": name, "uploadUrl": self._upload(f"{told['run']}/{name}")} for name in told["files"]]
        return {"createRunFiles": {"runID": _storage_id(told["run"]), "uploadHeaders": [], "files": files}}

    def _upload(self, path: str) -> str:
        return f"{self.url}/stored/{path}"

    def on_runstoppedstatus(self, told: Tree) -> Tree:
        return {"project": {"run": {"stopped": False}}}

    def on_organizationcoreweaveorganizationid(self, told: Tree) -> Tree:
        return {"entity": {"organization": {"coreWeaveOrganizationId": None}}}

    def on_artifacttype(self, told: Tree) -> Tree:
        return {"project": {"artifact": None}}

    def on_createartifact(self, told: Tree) -> Tree:
        artifact = {
            "id": "QXJ0aWZhY3Q6MQ==",
            "state": "PENDING",
            "artifactSequence": {"latestArtifact": None},
        }
        return {"createArtifact": {"artifact": artifact}}

    def on_createartifactmanifest(self, told: Tree) -> Tree:
        file = {"id": "1", "uploadUrl": self._upload(f"manifest/{told['name']}"), "uploadHeaders": []}
        return {"createArtifactManifest": {"artifactManifest": {"id": "1", "file": file}}}

    def on_updateartifactmanifest(self, told: Tree) -> Tree:
        file = {"id": "1", "uploadUrl": self._upload("manifest/again"), "uploadHeaders": []}
        return {"updateArtifactManifest": {"artifactManifest": {"id": "1", "file": file}}}

    def on_createartifactfiles(self, told: Tree) -> Tree:
        nodes = [
            {
                "storagePath": None, "uploadUrl": self._upload(f"artifact/{spec['name']}"),
                "uploadHeaders": [], "uploadMultipartUrls": None, "artifact": {"id": spec["artifactID"]},
            }
            for spec in told["input"]["artifactFiles"]
        ]  # fmt: skip
        return {"createArtifactFiles": {"files": {"edges": [{"node": node} for node in nodes]}}}

    def on_commitartifact(self, told: Tree) -> Tree:
        return {"commitArtifact": {"artifact": {"id": told["artifactID"], "digest": "0"}}}

    def on_sweepwithruns(self, told: Tree) -> Tree:
        return {"project": {"sweep": {"id": "1", "name": told["sweep"], "runs": {"edges": []}, **self.sweep}}}

    def on_createagent(self, told: Tree) -> Tree:
        return {"createAgent": {"agent": {"id": "agent-1"}}}

    def on_heartbeat(self, told: Tree) -> Tree:
        commands = [self.commands.pop(0)] if self.commands and told["runState"] == "{}" else []
        if not commands and told["runState"] == "{}":
            commands = [{"type": "exit"}]
        return {"agentHeartbeat": {"agent": {"id": "agent-1"}, "commands": json.dumps(commands)}}

    def on_createproject(self, told: Tree) -> Tree:
        self.projects.add(told["input"]["name"])
        return {"result": {"project": None, "model": None, "inserted": True}}

    def on_projectinternalid(self, told: Tree) -> Tree:
        known = told["projectName"] in self.projects
        return {"project": {"id": "1", "internalId": "UHJvamVjdDox"} if known else None}

    def on_getprojects(self, told: Tree) -> Tree:
        node = {
            "__typename": "Project",
            "id": "1",
            "entityName": ENTITY,
            "createdAt": "",
            "isBenchmark": False,
        }
        edges = [{"node": {**node, "name": name, "user": None}} for name in sorted(self.projects)]
        page = {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False}
        return {"models": {"pageInfo": page, "edges": edges}}

    def on_upsertview2(self, told: Tree) -> Tree:
        self.views.append(told)
        return {
            "upsertView": {
                "view": {"id": f"Vmlldzo{len(self.views)}", "name": told["name"]},
                "inserted": True,
            }
        }

    def on_upsertview(self, told: Tree) -> Tree:
        self.views.append(told)
        project = {"id": "1", "name": told["projectName"], "entityName": told["entityName"]}
        same = ("type", "name", "displayName", "description", "spec")
        view = {"id": f"Vmlldzo{len(self.views)}", "project": project, **{key: told[key] for key in same}}
        return {"upsertView": {"view": {**view, "updatedAt": "2026-01-01T00:00:00"}, "inserted": True}}

    def stream(self, run_id: str, body: Tree) -> None:
        """Lines go where their offsets say; a run that says so is complete."""
        run = self.runs.setdefault(run_id, Run(run_id))
        for name, chunk in (body.get("files") or {}).items():
            lines = run.files.setdefault(name, {})
            lines.update(enumerate(chunk["content"], chunk["offset"]))
        run.uploaded.update(body.get("uploaded") or [])
        if body.get("complete"):
            run.complete, run.exit_code = True, body.get("exitcode")


class Handler(BaseHTTPRequestHandler):
    """Routes."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self._body()
        if self.headers.get("Authorization") != _basic(KEY):
            return self._send(401, {"errors": [{"message": "invalid API key"}]})
        told = json.loads(body or b"{}")
        with self.server.guard:
            if self.path.endswith("/graphql"):
                data = self.server.answer(told["query"], told.get("variables") or {})
                return self._send(*((200, {"data": data}) if data is not None else (400, _no_answer())))
            stream = re.fullmatch(r"/files/[^/]+/[^/]+/([^/]+)/file_stream", self.path)
            if stream:
                self.server.stream(stream.group(1), told)
                return self._send(200, {"exitcode": None, "limits": {}})
            self.server.unknown.append(self.path)
        return self._send(404, {})

    def do_PUT(self) -> None:
        with self.server.guard:
            self.server.stored[self.path.removeprefix("/stored/")] = self._body()
        self._send(200, {})

    def do_GET(self) -> None:
        self.server.unknown.append(self.path)
        self._send(404, {})

    def _body(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def _send(self, status: int, tree: Tree) -> None:
        body = json.dumps(tree).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Silent."""


def _basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"api:{key}".encode()).decode()


def _entity() -> Tree:
    return {"id": "RW50aXR5OjE=", "name": ENTITY}


def _storage_id(run: str) -> str:
    return base64.b64encode(f"Run:v1:{run}:lamini:{ENTITY}".encode()).decode()


def _no_answer() -> Tree:
    return {"data": None, "errors": [{"message": "this stub has no answer"}]}


@contextmanager
def serving() -> Iterator[Server]:
    """The server, in a thread, until the block ends."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
