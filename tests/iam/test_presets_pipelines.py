"""The presets for CI and CD other than GitHub's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from broker.errors import Invalid
from broker.iam.model import StaticKeys
from broker.iam.presets import Keys
from broker.iam.presets.bitbucket import bitbucket_rules, issuer_of
from broker.iam.presets.buildkite import buildkite_rules
from broker.iam.presets.circleci import circleci_rules
from broker.iam.presets.gitlab import SOURCES, gitlab_rules
from broker.iam.presets.jenkins import jenkins_rules
from broker.iam.presets.terraform_cloud import terraform_cloud_rules
from tests.kit.presets import NOW, accepts

ORG, PROJECT, USER = (f"0f3a1c52-7d1e-4b60-9a53-2c1f0e9b7d4{digit}" for digit in "123")
KEYS = Keys(jwks="{}", expiration=NOW + timedelta(days=1))
MAIN = "refs/heads/main"


class TestGitlab:
    """Jobs of a project."""

    def accepts(self, rules: Any, subject: str, **claims: str) -> bool:
        return accepts(rules, f"project_path:{subject}", **{"pipeline_source": "push"} | claims)

    def test_a_ref(self) -> None:
        """A branch unless told otherwise."""
        rules = gitlab_rules(project="acme/web/shop", ref="main")
        assert self.accepts(rules, "acme/web/shop:ref_type:branch:ref:main")
        assert not self.accepts(rules, "acme/web/shop:ref_type:branch:ref:main2")
        assert not self.accepts(rules, "acme/web/shop:ref_type:tag:ref:main")
        rules = gitlab_rules(project="acme/shop", ref="v1", ref_type="tag")
        assert self.accepts(rules, "acme/shop:ref_type:tag:ref:v1")

    def test_any_ref(self) -> None:
        """Of one type or of both."""
        rules = gitlab_rules(project="acme/shop.js")
        assert self.accepts(rules, "acme/shop.js:ref_type:branch:ref:main")
        assert self.accepts(rules, "acme/shop.js:ref_type:tag:ref:v1")
        assert not self.accepts(rules, "acme/shopxjs:ref_type:tag:ref:v1")
        assert not self.accepts(rules, "acme/shop.js/x:ref_type:tag:ref:v1")
        tags = gitlab_rules(project="acme/shop.js", ref_type="tag")
        assert not self.accepts(tags, "acme/shop.js:ref_type:branch:ref:main")

    def test_ids_environment_and_protection(self) -> None:
        """Are claims, and pinned where they are given."""
        rules = gitlab_rules(
            project="a/b", project_id="1", namespace_id="2", environment="prod", protected=True
        )
        subject = "a/b:ref_type:branch:ref:main"
        claims = {"project_id": "1", "namespace_id": "2", "environment": "prod"}
        claims["ref_protected"] = "true"
        assert self.accepts(rules, subject, **claims)
        for name in claims:
            assert not self.accepts(rules, subject, **claims | {name: "false"}), name

    def test_pipelines_of_merge_requests(self) -> None:
        """Are accepted only where they are named; what runs on the project's own refs is."""
        subject = "a/b:ref_type:branch:ref:main"
        rules = gitlab_rules(project="a/b", ref="main")
        for source in SOURCES:
            assert self.accepts(rules, subject, pipeline_source=source)
        for source in ("merge_request_event", "external_pull_request_event", "parent_pipeline"):
            assert not self.accepts(rules, subject, pipeline_source=source)
            asked = gitlab_rules(project="a/b", ref="main", sources=(source,))
            assert self.accepts(asked, subject, pipeline_source=source)

    def test_an_instance_that_cannot_be_reached(self) -> None:
        """Is known by its keys, and the job by its ref."""
        rules = gitlab_rules(project="a/b", ref="main", issuer="https://git.example", keys=KEYS)
        assert isinstance(rules, StaticKeys)
        assert rules.subject == "project_path:a/b:ref_type:branch:ref:main"
        with pytest.raises(Invalid, match=r"^ref: "):
            gitlab_rules(project="a/b", keys=KEYS)
        with pytest.raises(Invalid, match=r"^issuer_keys: "):
            gitlab_rules(project="a/b", ref="main", project_id="1", keys=KEYS)

    @pytest.mark.parametrize(
        ("field", "value"), [("project", "b"), ("project_id", "x"), ("namespace_id", "-1")]
    )
    def test_wrong_answers(self, field: str, value: Any) -> None:
        """Are refused by name."""
        with pytest.raises(Invalid, match=rf"^{field}: "):
            gitlab_rules(**dict[str, Any](project="a/b") | {field: value})


class TestBuildkite:
    """Jobs of a pipeline."""

    def subject(self, ref: str = MAIN, step: str = "build", of: str = "acme:pipeline:shop") -> str:
        return f"organization:{of}:ref:{ref}:commit:9f3182061f1e2cca4702:step:{step}"

    def test_any_commit(self) -> None:
        """Of a branch or a tag, and of no longer one."""
        rules = buildkite_rules(organization="acme", pipeline="shop", branch="main")
        assert accepts(rules, self.subject())
        assert accepts(rules, self.subject(step=""))
        assert not accepts(rules, self.subject(f"{MAIN}2"))
        assert not accepts(rules, self.subject("refs/heads/stranger:main"))
        assert not accepts(rules, self.subject(of="acme:pipeline:shop2"))
        tagged = buildkite_rules(organization="acme", pipeline="shop", tag="v1.0")
        assert accepts(tagged, self.subject("refs/tags/v1.0"))
        assert not accepts(tagged, self.subject("refs/tags/v1x0"))

    def test_any_branch(self) -> None:
        """But none of a fork, whose branch has its owner before a colon."""
        rules = buildkite_rules(organization="acme", pipeline="shop")
        assert accepts(rules, self.subject("refs/heads/a/b"))
        assert not accepts(rules, self.subject("refs/heads/stranger:main"))

    def test_ids_and_a_step(self) -> None:
        """Where they are given."""
        rules = buildkite_rules(
            organization="acme", pipeline="shop", organization_id=ORG, pipeline_id=PROJECT,
            step="deploy",
        )  # fmt: skip
        ids = {"organization_id": ORG, "pipeline_id": PROJECT}
        assert accepts(rules, self.subject(step="deploy"), **ids)
        assert not accepts(rules, self.subject(step="deploy2"), **ids)
        for name in ids:
            assert not accepts(rules, self.subject(step="deploy"), **ids | {name: USER})
        assert not accepts(rules, self.subject(step="deploy"))

    def test_wrong_answers(self) -> None:
        """Are refused by name."""
        with pytest.raises(Invalid, match=r"^organization: "):
            buildkite_rules(organization="Acme Inc", pipeline="shop")
        with pytest.raises(Invalid, match=r"^tag: "):
            buildkite_rules(organization="acme", pipeline="shop", branch="a", tag="b")


class TestBitbucket:
    """Steps of a repository."""

    def claims(self, **more: str) -> dict[str, str]:
        given = {"workspaceUuid": f"{{{ORG}}}", "repositoryUuid": f"{{{PROJECT}}}"}
        return given | {"aud": f"ari:cloud:bitbucket::workspace/{ORG}"} | more

    def test_a_repository(self) -> None:
        """Any step of it, in any deployment environment, of the workspace's issuer."""
        rules = bitbucket_rules(
            workspace="acme", workspace_uuid=f"{{{ORG}}}", repository_uuid=PROJECT
        )
        assert rules.issuer == issuer_of("acme")
        assert accepts(rules, f"{{{PROJECT}}}:{{{USER}}}", **self.claims())
        assert accepts(rules, f"{{{PROJECT}}}:{{{ORG}}}:{{{USER}}}", **self.claims())
        assert not accepts(rules, f"{{{ORG}}}:{{{USER}}}", **self.claims())
        other = self.claims(workspaceUuid=f"{{{USER}}}")
        assert not accepts(rules, f"{{{PROJECT}}}:{{{USER}}}", **other)

    def test_an_environment_and_a_branch(self) -> None:
        """Are in the subject and in claims."""
        rules = bitbucket_rules(
            workspace="acme", workspace_uuid=ORG, repository_uuid=PROJECT, environment_uuid=ORG,
            branch="main", audience="aud",
        )  # fmt: skip
        claims = self.claims(deploymentEnvironmentUuid=f"{{{ORG}}}", branchName="main", aud="aud")
        assert accepts(rules, f"{{{PROJECT}}}:{{{ORG}}}:{{{USER}}}", **claims)
        assert not accepts(rules, f"{{{PROJECT}}}:{{{USER}}}", **claims)
        other = claims | {"branchName": "x"}
        assert not accepts(rules, f"{{{PROJECT}}}:{{{ORG}}}:{{{USER}}}", **other)


class TestCircleci:
    """Jobs of a project."""

    def claims(self, **more: Any) -> dict[str, Any]:
        given = {"project-id": PROJECT, "context-ids": [], "ssh-rerun": False} | more
        return {f"oidc.circleci.com/{name.replace('_', '-')}": v for name, v in given.items()}

    def test_both_forms_of_the_subject(self) -> None:
        """With the change in it and without, of any user."""
        rules = circleci_rules(organization_id=ORG, project_id=PROJECT)
        assert rules.issuer == f"https://oidc.circleci.com/org/{ORG}"
        subject = f"org/{ORG}/project/{PROJECT}/user/{USER}"
        assert accepts(rules, subject, **self.claims())
        change = "/vcs-origin/github.com/acme/shop/vcs-ref/refs/heads/x"
        assert accepts(rules, subject + change, **self.claims())
        assert not accepts(rules, f"org/{ORG}/project/{USER}/user/{USER}", **self.claims())

    def test_a_branch_is_one_of_its_repository(self) -> None:
        """A fork has branches of the same name."""
        rules = circleci_rules(
            organization_id=ORG, project_id=PROJECT, origin="github.com/acme/shop", ref=MAIN
        )
        subject = f"org/{ORG}/project/{PROJECT}/user/{USER}"
        here = {"vcs_origin": "github.com/acme/shop", "vcs_ref": MAIN}
        full = f"{subject}/vcs-origin/github.com/acme/shop/vcs-ref/{MAIN}"
        assert accepts(rules, full, **self.claims(**here))
        assert accepts(rules, subject, **self.claims(**here))
        fork = here | {"vcs_origin": "github.com/stranger/shop"}
        assert not accepts(rules, full, **self.claims(**fork))
        assert not accepts(rules, full, **self.claims(**here | {"vcs_ref": "refs/heads/x"}))
        assert not accepts(rules, subject, **self.claims())
        with pytest.raises(Invalid, match=r"^origin: "):
            circleci_rules(organization_id=ORG, project_id=PROJECT, ref=MAIN)
        with pytest.raises(Invalid, match=r"^ref: .*expected refs/heads/main"):
            circleci_rules(organization_id=ORG, project_id=PROJECT, origin="a.b/c", ref="main")

    def test_jobs_with_ssh(self) -> None:
        """Are refused unless they are asked for."""
        subject = f"org/{ORG}/project/{PROJECT}/user/{USER}"
        rerun = self.claims(ssh_rerun=True)
        assert not accepts(
            circleci_rules(organization_id=ORG, project_id=PROJECT), subject, **rerun
        )
        asked = circleci_rules(organization_id=ORG, project_id=PROJECT, ssh=True)
        assert accepts(asked, subject, **rerun)

    def test_a_context(self) -> None:
        """Is one of those that the job has."""
        rules = circleci_rules(organization_id=ORG, project_id=PROJECT, context_id=USER)
        subject = f"org/{ORG}/project/{PROJECT}/user/{USER}"
        assert accepts(rules, subject, **self.claims(context_ids=[ORG, USER]))
        assert not accepts(rules, subject, **self.claims(context_ids=[ORG]))


class TestTerraformCloud:
    """Runs of a workspace."""

    def test_a_phase(self) -> None:
        """Or either."""
        subject = "organization:acme:project:Default Project:workspace:prod:run_phase:"
        either = terraform_cloud_rules(organization="acme", workspace="prod")
        apply = terraform_cloud_rules(organization="acme", workspace="prod", phases=("apply",))
        assert accepts(either, subject + "plan")
        assert accepts(either, subject + "apply")
        assert accepts(apply, subject + "apply")
        assert not accepts(apply, subject + "plan")
        assert not accepts(either, subject.replace("prod", "prod2") + "apply")

    def test_a_project_and_ids(self) -> None:
        """Where they are given."""
        rules = terraform_cloud_rules(
            organization="acme", workspace="prod", project="Default Project",
            organization_id="org-1", workspace_id="ws-1",
        )  # fmt: skip
        ids = {"terraform_organization_id": "org-1", "terraform_workspace_id": "ws-1"}
        subject = "organization:acme:project:Default Project:workspace:prod:run_phase:plan"
        assert accepts(rules, subject, **ids)
        assert not accepts(rules, subject.replace("Default", "Other"), **ids)
        for name in ids:
            assert not accepts(rules, subject, **ids | {name: "x"})

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("organization", "a:b"),
            ("project", "a:b"),
            ("organization_id", "ws-1"),
            ("workspace_id", "org-1"),
            ("phases", ("destroy",)),
        ],
    )
    def test_wrong_answers(self, field: str, value: Any) -> None:
        """Are refused by name."""
        with pytest.raises(Invalid, match=rf"^{field}: "):
            terraform_cloud_rules(**{"organization": "a", "workspace": "b"} | {field: value})


class TestJenkins:
    """Builds of a job."""

    @pytest.mark.parametrize(
        ("job", "branch", "path"),
        [
            ("deploy", "", "job/deploy/"),
            ("shop/deploy", "", "job/shop/job/deploy/"),
            ("Web Shop", "main", "job/Web%20Shop/job/main/"),
            ("shop", "feature/x", "job/shop/job/feature%252Fx/"),
        ],
    )
    def test_the_subject_is_the_url_of_the_job(self, job: str, branch: str, path: str) -> None:
        """With folders, and the branch of a multibranch pipeline."""
        rules = jenkins_rules(url="https://jenkins.example/ci/", job=job, branch=branch)
        assert rules.subject == f"https://jenkins.example/ci/{path}"
        assert rules.issuer == "https://jenkins.example/ci/oidc"

    def test_one_that_cannot_be_reached(self) -> None:
        """Is known by its keys."""
        rules = jenkins_rules(url="https://jenkins.example", job="a", audience="aud", keys=KEYS)
        assert isinstance(rules, StaticKeys)
        assert rules.audiences == ("aud",)

    @pytest.mark.parametrize(
        ("field", "value"), [("url", "jenkins"), ("job", "a//b"), ("job", "*"), ("branch", "a\n")]
    )
    def test_wrong_answers(self, field: str, value: Any) -> None:
        """Are refused by name."""
        with pytest.raises(Invalid, match=rf"^{field}: "):
            jenkins_rules(**dict[str, Any](url="https://j.example", job="a") | {field: value})
