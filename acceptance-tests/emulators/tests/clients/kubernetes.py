"""The Kubernetes client for Python against a cluster of the lab.

usage: kubernetes.py KUBECONFIG

The kubeconfig is one that the lab wrote: its current context is the administrator, `<name>-limited` may read nodes
only, `<name>-certificate` is there where the lab was given a client certificate. Exits non-zero with the first
thing that is not as a real API server has it.
"""

import sys

# The script bears the client's name; its own folder must not be where the import looks.
sys.path.pop(0)

from kubernetes import client, config  # noqa: E402
from kubernetes.client.exceptions import ApiException  # noqa: E402


def main(kubeconfig):
    contexts, current = config.list_kube_config_contexts(kubeconfig)
    admin = connect(kubeconfig, current["name"])
    limited = connect(kubeconfig, current["name"] + "-limited")

    core = client.CoreV1Api(admin)
    nodes = core.list_node().items
    paged = list_in_pages(core, 2)
    check("pages hold every node once", [n.metadata.name for n in paged], [n.metadata.name for n in nodes])
    check("there are nodes", bool(nodes), True)
    # By the name on the wire: releases of the client differ in what they make of it.
    specs = [admin.sanitize_for_serialization(n)["spec"] for n in nodes]
    check("nodes have pod CIDRs", any("podCIDRs" in spec for spec in specs), True)
    one = core.read_node(nodes[0].metadata.name)
    check("a node is read by name", one.metadata.uid, nodes[0].metadata.uid)

    check_config_maps(core, client.CoreV1Api(limited))
    check_refusals(core, client.CoreV1Api(limited), kubeconfig)
    check_reviews(limited)

    version = client.VersionApi(admin).get_code()
    check("the version is told", version.git_version.startswith("v1."), True)
    for context in contexts:
        if context["name"].endswith("-certificate"):
            certified = client.CoreV1Api(connect(kubeconfig, context["name"]))
            check("a client certificate is enough", len(certified.list_node().items), len(nodes))
    print(f"kubernetes client for Python: {len(nodes)} nodes, as a real API server answers")


def connect(kubeconfig, context):
    return config.new_client_from_config(kubeconfig, context=context)


def list_in_pages(core, size):
    nodes, token = [], None
    while True:
        page = core.list_node(limit=size, _continue=token)
        nodes += page.items
        token = page.metadata._continue
        if not token:
            return nodes


def check_config_maps(core, limited):
    for found in core.list_config_map_for_all_namespaces().items:
        namespace, name = found.metadata.namespace, found.metadata.name
        read = core.read_namespaced_config_map(name, namespace)
        check(f"config map {namespace}/{name} reads as listed", read.data, found.data)
        refused = refusal(lambda: limited.read_namespaced_config_map(name, namespace))
        check("the limited user may not read it", refused.status, 403)


def check_refusals(core, limited, kubeconfig):
    missing = refusal(lambda: core.read_node("there-is-no-such-node"))
    check("a missing node is not found", (missing.status, '"reason":"NotFound"' in missing.body), (404, True))
    forbidden = refusal(lambda: limited.list_namespaced_config_map("default"))
    check("config maps are forbidden", (forbidden.status, '"reason":"Forbidden"' in forbidden.body), (403, True))
    bad = refusal(lambda: core.list_node(limit=1, _continue="garbage"))
    check("a broken continue token is a bad request", bad.status, 400)

    stranger = connect(kubeconfig, None)
    stranger.configuration.refresh_api_key_hook = None
    # Releases of the client differ in the key under which they keep the token.
    keys = list(stranger.configuration.api_key) + ["authorization", "BearerToken"]
    stranger.configuration.api_key = {key: "Bearer of-nobody" for key in keys}
    unauthorized = refusal(lambda: client.CoreV1Api(stranger).list_node())
    check("an unknown token is unauthorized", unauthorized.status, 401)


def check_reviews(limited):
    for verb, resource, allowed in [("list", "nodes", True), ("delete", "nodes", False), ("get", "configmaps", False)]:
        attributes = client.V1ResourceAttributes(verb=verb, resource=resource)
        spec = client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes)
        review = client.V1SelfSubjectAccessReview(spec=spec)
        answer = client.AuthorizationV1Api(limited).create_self_subject_access_review(review)
        check(f"the limited user may {verb} {resource}", answer.status.allowed, allowed)


def refusal(call):
    try:
        call()
    except ApiException as refused:
        return refused
    sys.exit("a call that must be refused was not")


def check(what, actual, expected):
    if actual != expected:
        sys.exit(f"{what}: {actual!r} instead of {expected!r}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
