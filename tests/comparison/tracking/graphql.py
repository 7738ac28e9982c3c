"""What a W&B server answers to GraphQL, by the name of the operation, and what it keeps of it."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any

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


class Answers:
    """State of a server, and a method `on_<operation>` for each operation it knows: variables to data."""

    url: str

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.projects: set[str] = set()
        self.views: list[Tree] = []
        self.sweep: Tree = {}  # config (YAML) of the one sweep
        self.commands: list[Tree] = []  # that its agent will be given, one at a heartbeat
        self.asked: list[tuple[str, Tree]] = []  # operations and their variables
        self.unknown: list[str] = []  # what there is no answer for

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


def _entity() -> Tree:
    return {"id": "RW50aXR5OjE=", "name": ENTITY}


def _storage_id(run: str) -> str:
    return base64.b64encode(f"Run:v1:{run}:lamini:{ENTITY}".encode()).decode()
