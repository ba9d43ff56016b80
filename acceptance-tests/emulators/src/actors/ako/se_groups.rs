//! The label that AKO puts on its SE groups, and by which it recognises them.

use serde_json::{Value, json};

use super::super::door::encoded;
use super::routes::{LABEL_KEY, without_foreign_members};
use super::session::Session;
use super::{AkoOptions, Ended};

/// The SE group of the configuration and those of the `AviInfraSetting`s, as AKO asks for them.
pub(super) fn query(options: &AkoOptions) -> String {
    let mut names: Vec<&str> = vec![&options.se_group];
    names.extend(options.infra_se_groups.iter().map(String::as_str));
    names.sort_unstable();
    format!(
        "/api/serviceenginegroup/?cloud_ref.name={}&include_name=&name.in={}&page_size=100",
        encoded(&options.cloud),
        encoded(&names.join(","))
    )
}

/// Labels the groups that have no label. One that does not exist is no error (recorded); one with another label ends
/// AKO.
pub(super) async fn label(session: &mut Session, options: &AkoOptions) -> Result<(), Ended> {
    let found = session.get(&query(options)).await;
    let found = found.map(|found| found.body["results"].clone());
    for group in found.unwrap_or_default().as_array().into_iter().flatten() {
        let labels = group["labels"].as_array().map_or(&[][..], Vec::as_slice);
        if labels.is_empty() {
            put_label(session, options, group).await?;
        } else if !labels.contains(&label_of(options)) {
            // "Contains" as recorded: two labels, one of them right, are accepted.
            return Err(mismatch(options, group));
        }
    }
    Ok(())
}

/// Takes the label off the group of the configuration; those of `AviInfraSetting`s keep theirs.
pub(super) async fn unlabel(session: &mut Session, options: &AkoOptions) {
    let query = format!(
        "/api/serviceenginegroup/?cloud_ref.name={}&include_name=&name={}",
        encoded(&options.cloud),
        encoded(&options.se_group)
    );
    let found = session.get(&query).await;
    let found = found.map(|found| found.body["results"][0].clone());
    if let Some(group) = found.filter(Value::is_object) {
        let mut body = without_foreign_members(&group);
        if let Some(members) = body.as_object_mut() {
            members.shift_remove("labels");
        }
        session.put(&path(&group), &body).await;
    }
}

/// Recorded: a 400 or 500 is followed by one more PUT; after a 403 AKO writes as `admin` and then once more, which the
/// controller answers with 412; a 412 is followed by a look whether the label is right by then.
async fn put_label(
    session: &mut Session,
    options: &AkoOptions,
    group: &Value,
) -> Result<(), Ended> {
    let mut body = without_foreign_members(group);
    body["labels"] = json!([label_of(options)]);
    let path = path(group);
    let mut reply = session.put(&path, &body).await;
    let refused = reply.as_ref().map(|reply| reply.status.as_u16());
    if matches!(refused, Some(400 | 403)) {
        reply = session.put_as_admin(&path, &body).await;
    }
    if matches!(refused, Some(403 | 500)) {
        reply = session.put(&path, &body).await;
    }
    match reply.map(|reply| reply.status.as_u16()) {
        Some(200..300) => Ok(()),
        Some(412) => {
            let now = session.get(&path).await;
            let now = now.map(|now| now.body).unwrap_or_default();
            let labels = now["labels"].as_array().map_or(&[][..], Vec::as_slice);
            match labels.contains(&label_of(options)) {
                true => Ok(()),
                false => Err(mismatch(options, group)),
            }
        }
        _ => {
            let name = group["name"].as_str().unwrap_or_default();
            let reason = format!("Setting labels on Service Engine Group :{name} failed");
            Err(Ended::new(0, &reason))
        }
    }
}

fn path(group: &Value) -> String {
    let uuid = group["uuid"].as_str().unwrap_or_default();
    format!("/api/serviceenginegroup/{uuid}")
}

fn label_of(options: &AkoOptions) -> Value {
    json!({"key": LABEL_KEY, "value": options.cluster_name})
}

fn mismatch(options: &AkoOptions, group: &Value) -> Ended {
    let name = group["name"].as_str().unwrap_or_default();
    let reason = format!(
        "Labels do not match with cluster name for SE group :{name}. Expected Labels: [{}]",
        label_of(options)
    );
    Ended::new(0, &reason)
}
