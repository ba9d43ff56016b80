//! What happens when an operation ends.

use std::time::Instant;

use super::Core;
use super::operations::{Operation, Work};
use super::store::{self, State};

impl Core {
    /// Finishes the operations that are due.
    pub(super) fn settle(&mut self) {
        let now = Instant::now();
        while let Some(operation) = self.operations.next_due(now) {
            self.finish(&operation);
        }
    }

    /// Finishes the operation that began last, ahead of those before it.
    pub(super) fn finish_last(&mut self) {
        if let Some(last) = self.operations.last().cloned()
            && !last.done
        {
            self.operations.hurry(Some(&last.id));
            self.settle();
        }
    }

    fn finish(&mut self, operation: &Operation) {
        match &operation.work {
            Work::Put { id, child } => self.finish_put(operation, id, child.as_deref()),
            Work::Delete { id, child } => self.finish_delete(operation, id, child.as_deref()),
            Work::DeleteGroup { key } => self.finish_delete_group(operation, key),
        }
    }

    /// Whether an unfinished operation works on the resource, or on this child of it.
    pub(super) fn is_busy(&self, id: &str, child: Option<&str>) -> bool {
        self.operations.pending().any(|operation| {
            let (target, of) = match &operation.work {
                Work::Put { id, child } | Work::Delete { id, child } => (id, child),
                Work::DeleteGroup { .. } => return false,
            };
            let same_child = match (child, of) {
                (Some(child), Some(of)) => child.eq_ignore_ascii_case(of),
                _ => true,
            };
            store::same_id(target, id) && same_child
        })
    }

    fn finish_put(&mut self, operation: &Operation, id: &str, child: Option<&str>) {
        let end = match operation.failure {
            Some(_) => State::Failed,
            None => State::Succeeded,
        };
        let still_busy = self.is_busy(id, None);
        let child_busy = child.is_some_and(|child| self.is_busy(id, Some(child)));
        let Some(resource) = self.store.resources.get_mut(&id.to_lowercase()) else {
            return;
        };
        for written in &mut resource.children {
            let meant = child.is_none_or(|child| written.name.eq_ignore_ascii_case(child));
            if meant && !child_busy && written.state == State::Updating {
                written.state = end;
            }
        }
        if !still_busy && resource.state == State::Updating {
            resource.state = end;
        }
        resource.renew_etag();
    }

    fn finish_delete(&mut self, operation: &Operation, id: &str, child: Option<&str>) {
        let still_busy = self.is_busy(id, None);
        let failed = operation.failure.is_some();
        let key = id.to_lowercase();
        let Some(resource) = self.store.resources.get_mut(&key) else {
            return;
        };
        match child {
            None if failed => resource.state = State::Failed,
            None => {
                self.store.resources.remove(&key);
                self.history.note(id, &self.store);
                return;
            }
            Some(child) if failed => {
                if let Some(child) = resource.child_mut(child) {
                    child.state = State::Failed;
                }
            }
            Some(child) => resource
                .children
                .retain(|kept| !kept.name.eq_ignore_ascii_case(child)),
        }
        if !still_busy && resource.state == State::Updating {
            resource.state = State::Succeeded;
        }
        resource.renew_etag();
        self.history.note(id, &self.store);
    }
}
