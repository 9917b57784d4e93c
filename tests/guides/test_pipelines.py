"""The guides for GitLab, Buildkite, Bitbucket, CircleCI, Jenkins and Terraform Cloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from broker.sdk.testing.issuer import LocalIssuer
from tests.cli.management import Organization
from tests.guides.following import Workload, follow

STRANGER = "ffffffff-ffff-4fff-bfff-ffffffffffff"
STEP = "{5e2a9c1d-0b4f-4d7e-8a61-7c9d0e1f2a3b}"


class TestGitlab:
    """docs/guides/gitlab.md."""

    @pytest.fixture
    def deploy(self, acme: Organization, platform: LocalIssuer) -> Workload:
        """For protected main."""
        return follow(acme, "gitlab", platform)

    def job(self, **more: str) -> dict[str, str]:
        """GitLab writes ids as strings (GitLab, "ID token payload")."""
        return {
            "namespace_id": "9970",
            "namespace_path": "acme",
            "project_id": "278964",
            "project_path": "acme/shop",
            "user_id": "1",
            "user_login": "bob",
            "pipeline_id": "574",
            "pipeline_source": "push",
            "job_id": "302",
            "ref": "main",
            "ref_type": "branch",
            "ref_path": "refs/heads/main",
            "ref_protected": "true",
            "runner_environment": "gitlab-hosted",
            "sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
            "sub": "project_path:acme/shop:ref_type:branch:ref:main",
        } | more

    def test_a_job_of_the_branch(self, deploy: Workload) -> None:
        """Whoever started it, while it may run there."""
        deploy.becomes_it(self.job())
        deploy.becomes_it(self.job(pipeline_source="schedule"))

    @pytest.mark.parametrize(
        "claims",
        [
            {"sub": "project_path:acme/shop:ref_type:branch:ref:x", "ref": "x"},
            {"sub": "project_path:acme/shop:ref_type:tag:ref:main", "ref_type": "tag"},
            {"sub": "project_path:evil/shop:ref_type:branch:ref:main", "project_id": "667"},
            {"project_id": "667"},
            {"namespace_id": "666"},
            {"ref_protected": "false"},
            {"pipeline_source": "merge_request_event"},
            {"pipeline_source": "parent_pipeline"},
        ],
        ids=[
            "another branch", "a tag", "a fork", "a renamed project's old path",
            "another group's path", "an unprotected branch", "a merge request",
            "a child pipeline",
        ],
    )  # fmt: skip
    def test_near_misses(self, deploy: Workload, claims: dict[str, str]) -> None:
        """Are refused, each for one thing."""
        deploy.does_not(self.job(**claims))

    def test_an_instance_that_cannot_be_reached(self, acme: Organization, tmp_path: Path) -> None:
        """Its keys are in the record; another instance of the name has others."""
        issuer = LocalIssuer(issuer="https://gitlab.acme.internal")
        deploy = follow(acme, "gitlab", issuer, number=1, folder=tmp_path)
        deploy.becomes_it(self.job())
        deploy.does_not(self.job(sub="project_path:acme/shop:ref_type:branch:ref:x"))
        stranger = LocalIssuer(issuer="https://gitlab.acme.internal")
        answer = Workload(deploy.identity, stranger, acme.owner).exchange(self.job())
        assert answer.body["details"][0]["metadata"]["stage"] == "signature"


class TestBuildkite:
    """docs/guides/buildkite.md."""

    @pytest.fixture
    def deploy(self, acme: Organization, platform: LocalIssuer) -> Workload:
        """For main."""
        return follow(acme, "buildkite", platform)

    def job(self, branch: str = "main", of: str = "acme:pipeline:shop", **more: Any) -> Any:
        """With the claims that the guide asks for (Buildkite, "buildkite-agent oidc")."""
        commit = "9f3182061f1e2cca4702c368cbc039b7dc9d4485"
        return {
            "sub": f"organization:{of}:ref:refs/heads/{branch}:commit:{commit}:step:deploy",
            "organization_slug": "acme",
            "organization_id": "6fa1b4c2-0f7e-4d56-9d0b-3a2b1c4d5e6f",
            "pipeline_slug": "shop",
            "pipeline_id": "0184990a-477b-4fa8-9968-496074483cee",
            "build_number": 1,
            "build_branch": branch,
            "build_tag": "",
            "build_commit": commit,
            "step_key": "deploy",
            "job_id": "0184990a-477b-4fa8-9968-496074483cef",
            "agent_id": "0184990a-4782-42b5-afc1-16715b10b8ff",
            "build_source": "webhook",
            "runner_environment": "buildkite-hosted",
        } | more

    def test_a_job_of_the_branch(self, deploy: Workload) -> None:
        """Of any commit."""
        deploy.becomes_it(self.job())

    def test_near_misses(self, deploy: Workload) -> None:
        """Another branch, a fork's, another organization or pipeline, and a token without ids."""
        deploy.does_not(self.job("x"))
        deploy.does_not(self.job("stranger:main"))
        deploy.does_not(self.job(of="evil:pipeline:shop"))
        deploy.does_not(self.job(of="acme:pipeline:other"))
        deploy.does_not(self.job(organization_id=STRANGER))
        deploy.does_not(self.job(pipeline_id=STRANGER))
        deploy.does_not(self.job(), without=["organization_id"])


class TestBitbucket:
    """docs/guides/bitbucket.md."""

    @pytest.fixture
    def deploy(self, acme: Organization, platform: LocalIssuer) -> Workload:
        """For main."""
        return follow(acme, "bitbucket", platform)

    def step(self, **more: str) -> dict[str, str]:
        """UUIDs have braces in claims (Atlassian, "Integrate Pipelines with resource servers")."""
        repository = "{c9a1f3b2-7e64-4a1d-b0c8-9d8e7f6a5b4c}"
        return {
            "sub": f"{repository}:{STEP}",
            "stepUuid": STEP,
            "pipelineUuid": "{7d1e4b60-9a53-4c1f-8e9b-0f3a1c52aa01}",
            "repositoryUuid": repository,
            "workspaceUuid": "{2f1a6d0c-5f3e-4c55-8a0b-1d2c3b4a5968}",
            "branchName": "main",
        } | more

    def test_a_step_of_the_branch(self, deploy: Workload) -> None:
        """With the workspace as audience; also when it deploys to an environment."""
        audience = "ari:cloud:bitbucket::workspace/2f1a6d0c-5f3e-4c55-8a0b-1d2c3b4a5968"
        assert deploy.audience == audience
        deploy.becomes_it(self.step())
        environment = f"{{{STRANGER}}}"
        subject = f"{self.step()['repositoryUuid']}:{environment}:{STEP}"
        deploy.becomes_it(self.step(sub=subject, deploymentEnvironmentUuid=environment))

    def test_near_misses(self, deploy: Workload) -> None:
        """Another branch, repository, workspace or audience."""
        deploy.does_not(self.step(branchName="x"))
        deploy.does_not(self.step(sub=f"{{{STRANGER}}}:{STEP}"))
        deploy.does_not(self.step(repositoryUuid=f"{{{STRANGER}}}"))
        deploy.does_not(self.step(workspaceUuid=f"{{{STRANGER}}}"))
        deploy.does_not(self.step(), aud=f"ari:cloud:bitbucket::workspace/{STRANGER}")


class TestCircleci:
    """docs/guides/circleci.md."""

    @pytest.fixture
    def deploy(self, acme: Organization, platform: LocalIssuer) -> Workload:
        """For main of acme/shop."""
        return follow(acme, "circleci", platform)

    def job(self, **more: Any) -> dict[str, Any]:
        """Names of claims have a host (CircleCI, "Using OpenID Connect tokens in jobs")."""
        organization = "b9291e0d-a11e-41fb-8517-c545388b5953"
        project = "d9a2b3c4-1e5f-4a6b-8c7d-9e0f1a2b3c4d"
        change = {"vcs-origin": "github.com/acme/shop", "vcs-ref": "refs/heads/main"}
        given = change | {n.replace("_", "-"): value for n, value in more.items()}
        who = f"org/{organization}/project/{project}/user/{STRANGER}"
        sub = f"{who}/vcs-origin/{given['vcs-origin']}/vcs-ref/{given['vcs-ref']}"
        others = {"project-id": project, "context-ids": [], "ssh-rerun": False} | given
        return {"sub": sub} | {f"oidc.circleci.com/{name}": v for name, v in others.items()}

    def test_a_job_of_the_branch(self, deploy: Workload) -> None:
        """Of whichever user, with either form of subject."""
        deploy.becomes_it(self.job())
        short = self.job()
        deploy.becomes_it(short | {"sub": short["sub"].partition("/vcs-origin")[0]})

    def test_near_misses(self, deploy: Workload) -> None:
        """Another branch, a fork's, another project, a job with SSH, CircleCI's own audience."""
        deploy.does_not(self.job(vcs_ref="refs/heads/x"))
        deploy.does_not(self.job(vcs_origin="github.com/stranger/shop"))
        deploy.does_not(self.job(project_id=STRANGER))
        deploy.does_not(self.job(ssh_rerun=True))
        deploy.does_not(self.job(), aud="b9291e0d-a11e-41fb-8517-c545388b5953")
        other = self.job()["sub"].replace("d9a2b3c4", "d9a2b3c5")
        deploy.does_not(self.job() | {"sub": other})


class TestJenkins:
    """docs/guides/jenkins.md."""

    SUBJECT = "https://jenkins.acme.example/job/shop/job/deploy/"

    def test_a_build_of_the_job(self, acme: Organization, platform: LocalIssuer) -> None:
        """And of no other job, nor of one within it."""
        deploy = follow(acme, "jenkins", platform)
        deploy.becomes_it({"sub": self.SUBJECT, "build_number": 17})
        deploy.does_not({"sub": "https://jenkins.acme.example/job/shop/job/deploy2/"})
        deploy.does_not({"sub": f"{self.SUBJECT}job/PR-7/"})
        deploy.does_not({"sub": self.SUBJECT.removesuffix("/")})

    def test_one_that_cannot_be_reached(self, acme: Organization, tmp_path: Path) -> None:
        """By its keys."""
        issuer = LocalIssuer(issuer="https://jenkins.acme.example/oidc")
        deploy = follow(acme, "jenkins", issuer, number=1, folder=tmp_path)
        deploy.becomes_it({"sub": self.SUBJECT})
        deploy.does_not({"sub": f"{self.SUBJECT}job/PR-7/"})


class TestTerraformCloud:
    """docs/guides/terraform-cloud.md."""

    def run(self, phase: str, workspace: str = "prod", **more: str) -> dict[str, str]:
        """Of the workspace (HashiCorp, "Workload identity tokens")."""
        place = f"organization:acme:project:Default Project:workspace:{workspace}"
        return {
            "sub": f"{place}:run_phase:{phase}",
            "terraform_run_phase": phase,
            "terraform_workspace_id": "ws-4qhKZ8xFXyzGpwrB",
            "terraform_workspace_name": workspace,
            "terraform_organization_id": "org-8dKUFSaIZsGnkTCk",
            "terraform_organization_name": "acme",
            "terraform_project_id": "prj-vegSA59s1XPwMr2t",
            "terraform_project_name": "Default Project",
            "terraform_run_id": "run-X3n1AUXNGWbfECsJ",
            "terraform_full_workspace": place,
        } | more

    def test_a_run(self, acme: Organization, platform: LocalIssuer) -> None:
        """In its phase, in its workspace; its identity is not that of another phase."""
        apply = follow(acme, "terraform-cloud", platform)
        apply.becomes_it(self.run("apply"))
        apply.does_not(self.run("plan"))
        apply.does_not(self.run("apply", "staging"))
        apply.does_not(self.run("apply", terraform_workspace_id="ws-evil"))
        apply.does_not(self.run("apply", terraform_organization_id="org-evil"))

    def test_a_plan(self, acme: Organization, platform: LocalIssuer) -> None:
        """Has an identity that may less."""
        plan = follow(acme, "terraform-cloud", platform, number=1)
        plan.becomes_it(self.run("plan"))
        plan.does_not(self.run("apply"))
