#!/usr/bin/env python3
"""Drives a running lab with the Azure SDK for Python, a client that was written for the real Azure.

Usage: azure_sdk.py FILE, where FILE holds the line of JSON that `cargo lab serve --json FILE` writes.
Needs the packages azure-identity and azure-mgmt-network. Ends with status 0 if every step went as with Azure.
"""

import json
import os
import sys


def main(path):
    with open(path, encoding="utf-8") as file:
        lab = json.load(file)
    # Before the imports: requests reads it when a session is made.
    os.environ["REQUESTS_CA_BUNDLE"] = lab["ca_certificate"]
    os.environ["CURL_CA_BUNDLE"] = lab["ca_certificate"]
    os.environ["NO_PROXY"] = "127.0.0.1,localhost"

    azure = lab["azure"]
    refuse_wrong_secret(azure)
    client = connect(azure, azure["client_secret"])
    group = azure["resource_group"]
    network = azure["virtual_network_id"].rsplit("/", 1)[1]
    routes(client, group)
    subnet(client, group, network)
    tags_and_etags(client, group)
    clean_up(client, group, network)
    print("azure-mgmt-network: every step went as with Azure")


def connect(azure, secret):
    from azure.identity import ClientSecretCredential
    from azure.mgmt.network import NetworkManagementClient

    base = azure["resource_manager_endpoint"]
    credential = ClientSecretCredential(
        azure["tenant_id"],
        azure["client_id"],
        secret,
        authority=azure["authority_host"],
        # A private authority is not in the public list of clouds.
        disable_instance_discovery=True,
    )
    return NetworkManagementClient(
        credential,
        azure["subscription_id"],
        base_url=base,
        credential_scopes=[base + "/.default"],
        polling_interval=0.05,
    )


def refuse_wrong_secret(azure):
    from azure.core.exceptions import ClientAuthenticationError

    try:
        list(connect(azure, "wrong").route_tables.list_all())
    except ClientAuthenticationError as error:
        assert "AADSTS7000215" in str(error), error
    else:
        raise AssertionError("a wrong secret was accepted")


def routes(client, group):
    missing = refused(lambda: client.route_tables.get(group, "rt-sdk"))
    assert (missing.status_code, missing.error.code) == (404, "ResourceNotFound"), missing
    table = client.route_tables.begin_create_or_update(
        group, "rt-sdk", {"location": "westeurope", "tags": {"by": "sdk"}}
    ).result()
    assert table.provisioning_state == "Succeeded", table
    for number in range(3):
        route = client.routes.begin_create_or_update(
            group,
            "rt-sdk",
            f"node{number}",
            {
                "properties": {
                    "addressPrefix": f"10.244.{number}.0/24",
                    "nextHopType": "VirtualAppliance",
                    "nextHopIpAddress": f"10.1.0.{number + 4}",
                }
            },
        ).result()
        assert route.has_bgp_override is False, route
    assert len(list(client.routes.list(group, "rt-sdk"))) == 3
    twin = {"properties": {"addressPrefix": "10.244.0.0/24", "nextHopType": "None"}}
    conflict = refused(
        lambda: client.routes.begin_create_or_update(group, "rt-sdk", "twin", twin).result()
    )
    assert conflict.error.code == "RouteConflict", conflict


def subnet(client, group, network):
    created = client.subnets.begin_create_or_update(
        group, network, "se-sdk", {"properties": {"addressPrefix": "10.120.0.0/24"}}
    ).result()
    assert created.route_table is None, created
    table = client.route_tables.get(group, "rt-sdk")
    created.route_table = {"id": table.id}
    joined = client.subnets.begin_create_or_update(
        group, network, "se-sdk", created, headers={"If-Match": created.etag}
    ).result()
    assert joined.route_table.id == table.id, joined
    in_use = refused(lambda: client.route_tables.begin_delete(group, "rt-sdk").result())
    assert in_use.error.code == "InUseRouteTableCannotBeDeleted", in_use
    overlap = {"properties": {"addressPrefix": "10.120.0.0/25"}}
    refusal = refused(
        lambda: client.subnets.begin_create_or_update(group, network, "twin", overlap).result()
    )
    assert refusal.error.code == "NetcfgSubnetRangesOverlap", refusal


def tags_and_etags(client, group):
    tagged = client.route_tables.update_tags(group, "rt-sdk", {"tags": {"only": "this"}})
    assert tagged.tags == {"only": "this"}, tagged.tags
    assert len(tagged.routes) == 3, "tags alone change"
    stale = refused(
        lambda: client.route_tables.begin_create_or_update(
            group, "rt-sdk", tagged, headers={"If-Match": 'W/"stale"'}
        ).result()
    )
    assert (stale.status_code, stale.error.code) == (412, "PreconditionFailed"), stale


def clean_up(client, group, network):
    client.subnets.begin_delete(group, network, "se-sdk").result()
    client.routes.begin_delete(group, "rt-sdk", "node0").result()
    client.route_tables.begin_delete(group, "rt-sdk").result()
    # Once more: what is gone already is no error.
    client.route_tables.begin_delete(group, "rt-sdk").result()
    gone = refused(lambda: client.subnets.get(group, network, "se-sdk"))
    assert gone.error.code == "NotFound", gone


def refused(call):
    """The error with which a call ends."""
    from azure.core.exceptions import HttpResponseError

    try:
        call()
    except HttpResponseError as error:
        return error
    raise AssertionError("the call was not refused")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
