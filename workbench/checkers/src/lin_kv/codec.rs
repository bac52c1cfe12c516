//! Registers as Knossos' result maps.

use super::sentences::text;
use super::{
    Configuration, RegisterEvent, RegisterOp, RegisterOutcome, RegisterResult, RegisterViolation,
    RegistersResult, Undecided, Value,
};
use crate::element::Element;
use crate::{CheckerResult as _, Validity};
use history::edn::{self, Edn};

/// The result map of all registers, or of the single one without a key.
pub(super) fn registers(result: &RegistersResult) -> Edn {
    if let [register @ RegisterResult { key: None, .. }] = &result.registers[..] {
        return to_edn(register);
    }
    let by_key = result
        .registers
        .iter()
        .filter_map(|register| Some((register.key.as_ref()?.to_edn(), keyed_register(register))));
    let failed = result.registers.iter();
    let failed = failed.filter(|it| it.validity() == Validity::Invalid);
    let failed = failed.filter_map(|it| it.key.as_ref());
    edn::map([
        ("results", edn::map_of(by_key.collect())),
        (
            "failures",
            Edn::Vector(failed.map(Element::to_edn).collect()),
        ),
        ("valid?", result.validity().to_edn()),
    ])
}

/// The entry of one of several registers.
pub(super) fn keyed_register(register: &RegisterResult) -> Edn {
    let timeline = edn::map([("valid?", Edn::Bool(true))]);
    edn::map([
        ("linearizable", to_edn(register)),
        ("timeline", timeline),
        ("valid?", register.validity().to_edn()),
    ])
}

fn to_edn(register: &RegisterResult) -> Edn {
    let mut map = match &register.outcome {
        RegisterOutcome::Linearizable(end) => edn::map([
            ("configs", Edn::List(vec![configuration(end)])),
            ("final-paths", Edn::List(Vec::new())),
        ]),
        RegisterOutcome::Violated(violation) => violated(violation),
        RegisterOutcome::Undecided(undecided) => self::undecided(undecided),
    };
    edn::insert(&mut map, "valid?", register.validity().to_edn());
    map
}

fn violated(violation: &RegisterViolation) -> Edn {
    let configurations = || violation.configurations.iter();
    let paths = configurations().map(|it| path(it, &violation.event));
    edn::map([
        ("op", op(&violation.event)),
        (
            "previous-ok",
            violation.previous.as_ref().map_or(Edn::Nil, op),
        ),
        (
            "last-op",
            configurations()
                .find_map(|it| it.last.last())
                .map_or(Edn::Nil, op),
        ),
        (
            "configs",
            Edn::List(configurations().map(configuration).collect()),
        ),
        ("final-paths", Edn::List(paths.collect())),
    ])
}

fn undecided(undecided: &Undecided) -> Edn {
    let cause = if undecided.is_out_of_memory {
        "out-of-memory"
    } else {
        "timeout"
    };
    edn::map([
        ("cause", edn::key(cause)),
        ("op", op(&undecided.event)),
        ("explained-count", edn::count(undecided.explained)),
        ("steps", edn::integer(undecided.steps)),
        ("bytes", edn::count(undecided.bytes)),
    ])
}

/// An operation without its key, as in a history of that key alone.
fn op(event: &RegisterEvent) -> Edn {
    let value = match &event.operation {
        RegisterOp::Read(value) | RegisterOp::Write(value) => value_to_edn(value),
        RegisterOp::Cas(from, to) => Edn::Vector(vec![value_to_edn(from), value_to_edn(to)]),
    };
    let mut map = event.op.to_edn();
    edn::insert(&mut map, "value", value);
    map
}

fn configuration(configuration: &Configuration) -> Edn {
    edn::map([
        ("model", model(&configuration.state)),
        ("last-op", configuration.last.last().map_or(Edn::Nil, op)),
        (
            "pending",
            Edn::Vector(configuration.pending.iter().map(op).collect()),
        ),
    ])
}

/// The end of an order, and the reason why the operation cannot come next.
fn path(configuration: &Configuration, next: &RegisterEvent) -> Edn {
    let step = |event, model| edn::map([("op", op(event)), ("model", model)]);
    let state = text(&configuration.state);
    let why = match &next.operation {
        RegisterOp::Read(value) => format!("can't read {} from register {state}", text(value)),
        RegisterOp::Write(value) => format!("can't write {}", text(value)),
        RegisterOp::Cas(from, to) => {
            format!("can't CAS {state} from {} to {}", text(from), text(to))
        }
    };
    let inconsistent = edn::map([("msg", edn::text(&why))]);
    let inconsistent = Edn::tagged("knossos.model.Inconsistent", inconsistent);
    let last = configuration.last.last();
    let last = last.map(|event| step(event, model(&configuration.state)));
    Edn::Vector(last.into_iter().chain([step(next, inconsistent)]).collect())
}

fn model(state: &Value) -> Edn {
    let value = value_to_edn(state);
    Edn::tagged("knossos.model.CASRegister", edn::map([("value", value)]))
}

fn value_to_edn(value: &Value) -> Edn {
    value.as_ref().map_or(Edn::Nil, Element::to_edn)
}
