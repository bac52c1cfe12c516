//! The replies of services.

use serde::Serialize;
use serde_json::value::RawValue;

/// The body of a reply, without `in_reply_to`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Reply {
    ReadOk { value: Box<RawValue> },
    WriteOk,
    CasOk,
    TsOk { ts: u64 },
    Error { code: u16, text: String },
}
