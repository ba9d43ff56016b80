#!/usr/bin/env python3
"""Drives a running lab with the vendor's Avi SDK for Python, a client that was written for the real controller.

Usage: avi_sdk.py FILE, where FILE holds the line of JSON that `cargo lab serve --json FILE` writes.
Needs the package avisdk. Ends with status 0 if every step went as with a controller.
"""

import json
import os
import sys


def main(path):
    with open(path, encoding="utf-8") as file:
        lab = json.load(file)
    # Before the imports: requests reads it when a session is made, and the SDK asks for no check of its own.
    os.environ["REQUESTS_CA_BUNDLE"] = lab["ca_certificate"]
    os.environ["CURL_CA_BUNDLE"] = lab["ca_certificate"]
    os.environ["NO_PROXY"] = "127.0.0.1,localhost"

    avi = lab["avi"]
    refuse_wrong_password(avi)
    session = connect(avi, avi["password"])
    groups(session)
    pages(session)
    session_that_ended(session, lab["control"])
    token(session, avi)
    print("avisdk: every step went as with a controller")


def connect(avi, password=None, token=None):
    from avi.sdk.avi_api import ApiSession

    return ApiSession(
        controller_ip="https://" + avi["controller"],
        username=avi["username"],
        password=password,
        token=token,
        tenant=avi["tenant"],
        api_version=avi["version"],
        verify=os.environ["REQUESTS_CA_BUNDLE"],
    )


def refuse_wrong_password(avi):
    from avi.sdk.avi_api import APIError

    try:
        connect(avi, "wrong")
    except APIError as error:
        assert "401" in str(error) and "Invalid credentials" in str(error), error
    else:
        raise AssertionError("a wrong password was accepted")


def groups(session):
    from avi.sdk.avi_api import ObjectNotFound

    cloud = session.get_object_by_name("cloud", "Default-Cloud")
    assert cloud["vtype"] == "CLOUD_NONE", cloud
    assert session.get_object_by_name("cloud", "nope") is None

    body = {"name": "seg-sdk", "cloud_ref": "/api/cloud?name=Default-Cloud", "data_network_id": "subnet1"}
    made = session.post("serviceenginegroup", data=body)
    assert made.status_code == 201, made.text
    path = "serviceenginegroup/" + made.json()["uuid"]
    assert made.headers["Location"].endswith(path + "#seg-sdk"), made.headers
    again = session.post("serviceenginegroup", data=body)
    assert again.status_code == 409 and "already exists" in again.text, again.text

    old = session.get(path).json()
    new = session.put(path, data={**old, "max_se": 4})
    assert new.status_code == 200 and new.json()["max_se"] == 4, new.text
    stale = session.put(path, data={**old, "max_se": 5})
    assert stale.status_code == 412, stale.text

    label = {"key": "clustername", "value": "c1"}
    labelled = session.patch(path, data={"add": {"labels": [label]}})
    assert labelled.json()["labels"] == [label], labelled.text
    bare = session.patch(path, data={"delete": {"labels": [label], "data_network_id": "subnet1"}}).json()
    assert "labels" not in bare and "data_network_id" not in bare, bare
    wrong = session.patch(path, data={"replace": {"max_se": 1001}})
    assert wrong.status_code == 400, wrong.text

    assert session.delete(path).status_code == 204
    try:
        session.get(path).json()
    except ObjectNotFound:
        pass
    else:
        raise AssertionError("a deleted group is still there")


def pages(session):
    names = [f"seg-page-{number}" for number in range(5)]
    paths = []
    for name in names:
        made = session.post("serviceenginegroup", data={"name": name})
        paths.append("serviceenginegroup/" + made.json()["uuid"])
    listed = session.get_objects_iter("serviceenginegroup", params={"page_size": 2})
    listed = [group["name"] for group in listed]
    assert [name for name in listed if name.startswith("seg-page-")] == names, listed
    for path in paths:
        assert session.delete(path).status_code == 204


def session_that_ended(session, control):
    import urllib.request

    urllib.request.urlopen(urllib.request.Request(control + "/avi/expire-sessions", method="POST"))
    # The SDK signs in again by itself.
    assert session.get("cloud", params={"name": "Default-Cloud"}).json()["count"] == 1


def token(session, avi):
    made = session.post("user-token", data={"hours": "1"})
    assert made.status_code == 201, made.text
    by_token = connect(avi, token=made.json()["token"])
    assert by_token.get("tenant", params={"name": "admin"}).json()["count"] == 1


if __name__ == "__main__":
    main(sys.argv[1])
