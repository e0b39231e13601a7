//! Two other shapes in which ports come: a wholesale carrier's web-hook, and a file of requests.
//!
//! Each gives the [`Message`]s that a gateway would have sent, or a [`Fault`] for each that cannot be one. One
//! bad number or line never holds the others.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::answer::Reason;
use super::fields::{Field, Spid};
use super::message::{self, Fault, LIMIT, Members, Message, MessageKind, Node};

/// The most numbers in one web-hook.
pub const NUMBERS: usize = 500;
/// The largest file, in bytes.
pub const FILE_LIMIT: usize = 4_194_304;
/// The most lines in one file, its header not counted.
pub const LINES: usize = 10_000;
/// The longest line, in bytes.
pub const LINE_LIMIT: usize = 4_096;

/// Reads a wholesale carrier's web-hook `portout.status_changed`, one message for each phone number. The shape
/// is that of a carrier with public documentation \[V: developers.telnyx.com, port-out notifications and
/// orders\].
///
/// | `status` | message |
/// |---|---|
/// | `pending` | a port request. It names no account number, and the rest of the form stays behind in the `lsr` |
/// | `canceled` | a cancellation |
/// | `authorized` | timer T2, run out: the order goes ahead there. Where we did not confirm it, silence was taken for a yes |
/// | `ported` | an activation |
/// | `rejected`, `rejected-pending` | none: our own answer comes back |
///
/// Where the order has no `pon`, the carrier's `support_key` stands in. There is no version: it is 0.
///
/// # Errors
/// A [`Fault`] where the whole of it cannot be read, or is another event.
pub fn web_hook(body: &str, known: Option<&BTreeSet<Spid>>) -> Result<Vec<Result<Message, Fault>>, Fault> {
    if body.len() > LIMIT {
        return Err(Fault::whole(Reason::TooLarge));
    }
    let Ok(Node::Object(top)) = serde_json::from_str(body) else {
        return Err(Fault::whole(Reason::FieldMalformed));
    };
    let wrong = |field, reason| Fault { kind: None, order: None, version: None, faults: vec![(field, reason)] };
    let data = top.object("data").ok_or_else(|| wrong(Field::Data, Reason::FieldMissing))?;
    if data.text("event_type") != Some("portout.status_changed") {
        return Err(wrong(Field::Type, Reason::FieldMalformed));
    }
    let payload = data.object("payload").ok_or_else(|| wrong(Field::Data, Reason::FieldMalformed))?;
    let status = Status::of(payload.text("status")).ok_or_else(|| wrong(Field::Data, Reason::FieldMalformed))?;
    let numbers = match payload.get("phone_numbers") {
        Some(Node::List(numbers)) if !numbers.is_empty() => numbers,
        Some(Node::List(_) | Node::Text(_) | Node::Whole(_) | Node::Object(_) | Node::Null | Node::Else) | None => {
            return Err(wrong(Field::PortedNumber, Reason::FieldMissing));
        }
    };
    if numbers.len() > NUMBERS {
        return Err(Fault::whole(Reason::TooLarge));
    }
    let mut of_the_order = Given::default();
    match payload.text("pon").filter(|pon| !pon.is_empty()) {
        Some(pon) => of_the_order.put(Field::PurchaseOrderNumber, pon),
        None => {
            let key: String = payload.text("support_key").unwrap_or_default().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
            of_the_order.put(Field::PurchaseOrderNumber, &key);
        }
    }
    let kind = match status {
        Status::Pending => {
            of_the_order.copy(Field::NewNetworkServiceProvider, payload, "spid");
            let due = if payload.get("requested_foc_date").is_some() { "requested_foc_date" } else { "foc_date" };
            of_the_order.copy(Field::DesiredDueDate, payload, due);
            of_the_order.copy(Field::Zip, payload, "zip");
            of_the_order.copy(Field::Passcode, payload, "attempted_pin");
            MessageKind::PortRequest
        }
        Status::Canceled => MessageKind::Cancellation,
        Status::Authorized => {
            of_the_order.put(Field::Timer, "t2");
            of_the_order.copy(Field::ExpiresAt, data, "occurred_at");
            MessageKind::Timer
        }
        Status::Ported => {
            of_the_order.copy(Field::NewNetworkServiceProvider, payload, "spid");
            of_the_order.copy(Field::ActivatedAt, data, "occurred_at");
            MessageKind::Activation
        }
        Status::Rejected => return Ok(Vec::new()),
    };
    Ok(numbers
        .iter()
        .map(|number| {
            let mut given = of_the_order.clone();
            given.0.push((Field::PortedNumber.word().to_owned(), number.clone()));
            let members = Members(given.0);
            match kind {
                MessageKind::PortRequest => message::read_wholesale(&members, known),
                MessageKind::Supplement
                | MessageKind::Cancellation
                | MessageKind::Activation
                | MessageKind::Timer
                | MessageKind::Heartbeat => message::read(kind, &members, known),
            }
        })
        .collect())
}

/// The states of a port-out order at the carrier.
#[derive(Clone, Copy)]
enum Status {
    Pending,
    Canceled,
    Authorized,
    Ported,
    Rejected,
}

impl Status {
    fn of(word: Option<&str>) -> Option<Self> {
        match word? {
            "pending" => Some(Self::Pending),
            "canceled" => Some(Self::Canceled),
            "authorized" => Some(Self::Authorized),
            "ported" => Some(Self::Ported),
            "rejected" | "rejected-pending" => Some(Self::Rejected),
            _ => None,
        }
    }
}

/// Members under our own names.
#[derive(Clone, Default)]
struct Given(Vec<(String, Node)>);

impl Given {
    /// A text; an empty one is none.
    fn put(&mut self, field: Field, text: &str) {
        if !text.is_empty() {
            self.0.push((field.word().to_owned(), Node::Text(Zeroizing::new(text.to_owned()))));
        }
    }

    /// Every member of this name: one that is there twice stays a fault.
    fn copy(&mut self, field: Field, members: &Members, name: &str) {
        let found = members.0.iter().filter(|(member, _)| member == name).map(|(_, node)| node.clone());
        self.0.extend(found.map(|node| (field.word().to_owned(), node)));
    }
}

/// One line of a file.
#[derive(Debug)]
pub struct Line {
    /// Its number in the file; the header is line 1.
    pub number: usize,
    /// What it says.
    pub read: Result<Message, Fault>,
}

/// Reads a file of port requests: comma-separated, a header with the names of the fields in any order, one
/// request a line. A byte-order mark, lines that end in CR LF, spaces around values and empty lines are forgiven.
///
/// A line is what stands between two line ends, whatever its quotes: no field holds a line end, and a quote
/// that nobody closed must not swallow the lines after it. A last line without its end is a fault, however
/// whole it looks: the file may have been cut within a value, and a shorter value may be a valid one.
///
/// # Errors
/// A [`Fault`] where no line can be taken: no header, a header that lacks a field, has one twice or one that is
/// unknown, or a file over the limits.
pub fn batch(file: &[u8], known: Option<&BTreeSet<Spid>>) -> Result<Vec<Line>, Fault> {
    if file.len() > FILE_LIMIT {
        return Err(Fault::whole(Reason::TooLarge));
    }
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let mut lines = file.split_inclusive(|byte| *byte == b'\n').zip(1usize..);
    let header = lines.next().and_then(|(line, _)| cells(line).ok()).ok_or_else(|| Fault::whole(Reason::FieldMalformed))?;
    let columns = columns(&header)?;
    let mut read = Vec::new();
    for (line, number) in lines {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if read.len() == LINES {
            return Err(Fault::whole(Reason::TooLarge));
        }
        read.push(Line { number, read: request(line, &columns, known) });
    }
    Ok(read)
}

/// The fields of a header, in its order.
fn columns(header: &[Zeroizing<String>]) -> Result<Vec<Field>, Fault> {
    let fields = MessageKind::PortRequest.fields();
    let mut faults = Vec::new();
    let mut columns = Vec::new();
    for name in header {
        match fields.iter().find(|field| name.eq_ignore_ascii_case(field.word())) {
            Some(field) if columns.contains(field) => faults.push((*field, Reason::FieldOutOfPlace)),
            Some(field) => columns.push(*field),
            None => faults.push((Field::Unknown, Reason::FieldOutOfPlace)),
        }
    }
    faults.extend(Field::REQUIRED.iter().filter(|field| !columns.contains(field)).map(|field| (*field, Reason::FieldMissing)));
    if faults.is_empty() {
        return Ok(columns);
    }
    faults.sort_unstable();
    faults.dedup();
    Err(Fault { kind: Some(MessageKind::PortRequest), order: None, version: None, faults })
}

fn request(line: &[u8], columns: &[Field], known: Option<&BTreeSet<Spid>>) -> Result<Message, Fault> {
    let whole = |reason| Fault { kind: Some(MessageKind::PortRequest), ..Fault::whole(reason) };
    let cells = cells(line).map_err(whole)?;
    // With a column too many or too few nobody knows which value belongs to which: not even the order is read.
    if cells.len() != columns.len() {
        return Err(whole(Reason::FieldMalformed));
    }
    let mut given = Given::default();
    for (field, cell) in columns.iter().zip(&cells) {
        given.put(*field, cell);
    }
    message::read(MessageKind::PortRequest, &Members(given.0), known)
}

/// The values of one line.
fn cells(line: &[u8]) -> Result<Vec<Zeroizing<String>>, Reason> {
    if line.len() > LINE_LIMIT {
        return Err(Reason::TooLarge);
    }
    let line = line.strip_suffix(b"\n").ok_or(Reason::FieldMalformed)?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    // An odd quote is one that nobody closed; the reader would take the rest of the line for a value.
    let quotes = line.iter().filter(|byte| **byte == b'"').count();
    if quotes % 2 == 1 || line.contains(&b'\r') {
        return Err(Reason::FieldMalformed);
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .buffer_capacity(LINE_LIMIT)
        .from_reader(line);
    let mut record = csv::StringRecord::new();
    match reader.read_record(&mut record) {
        Ok(true) => Ok(record.iter().map(|cell| Zeroizing::new(cell.to_owned())).collect()),
        Ok(false) | Err(_) => Err(Reason::FieldMalformed),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::time::Timestamp;

    fn hook(status: &str, change: impl Fn(&mut Value)) -> String {
        let mut event = json!({
            "data": {
                "event_type": "portout.status_changed",
                "id": "7f1d6a52-2b9a-4f0e-9d3c-2f4b8a6c1e00",
                "occurred_at": "2026-11-25T10:00:00.123456Z",
                "record_type": "event",
                "payload": {
                    "id": "0d5f6d0a-0000-4000-8000-000000000000",
                    "pon": "LK-77", "spid": "987H", "carrier_name": "A Carrier",
                    "requested_foc_date": "2026-11-27T18:00:00Z", "foc_date": "2026-11-28T18:00:00Z",
                    "lsr": ["https://files.example.com/lsr.pdf"], "support_key": "PO_000077",
                    "phone_numbers": ["+13055550123", "+13055550124"],
                    "status": status, "attempted_pin": "482913",
                }
            },
            "meta": {"attempt": 1}
        });
        change(&mut event["data"]["payload"]);
        event.to_string()
    }

    #[test]
    fn a_web_hook_gives_one_request_for_each_number() {
        let read = web_hook(&hook("pending", |_| {}), None).unwrap();
        let numbers: Vec<String> = read
            .into_iter()
            .map(|message| {
                let Ok(Message::PortRequest(request)) = message else { panic!("no request") };
                assert_eq!((request.order.pon.as_str(), request.gaining.as_str()), ("LK-77", "987H"));
                assert_eq!(request.due, Timestamp::parse("2026-11-27T18:00:00Z").unwrap());
                assert_eq!(request.passcode.as_ref().unwrap().expose(), "482913");
                assert!(request.account.is_none() && request.form.is_none());
                request.order.number.as_str().to_owned()
            })
            .collect();
        assert_eq!(numbers, ["+13055550123", "+13055550124"]);
    }

    #[test]
    fn one_bad_number_does_not_hold_the_others() {
        let body = hook("pending", |payload| payload["phone_numbers"] = json!(["+13055550123", "305-555", 7]));
        let read = web_hook(&body, None).unwrap();
        assert!(read[0].is_ok());
        assert_eq!(read[1].as_ref().unwrap_err().faults, [(Field::PortedNumber, Reason::FieldMalformed)]);
        assert!(read[2].is_err());
    }

    #[test]
    fn every_status_is_a_message_or_our_own_answer() {
        for (status, kind) in [
            ("canceled", Some(MessageKind::Cancellation)),
            ("authorized", Some(MessageKind::Timer)),
            ("ported", Some(MessageKind::Activation)),
            ("rejected", None),
            ("rejected-pending", None),
        ] {
            let read = web_hook(&hook(status, |_| {}), Some(&BTreeSet::new())).unwrap();
            assert_eq!(read.first().map(|message| message.as_ref().unwrap().kind()), kind, "{status}");
        }
        assert_eq!(web_hook(&hook("lost", |_| {}), None).unwrap_err().faults, [(Field::Data, Reason::FieldMalformed)]);
    }

    #[test]
    fn a_request_that_is_not_right_can_still_be_answered() {
        let body = hook("pending", |payload| {
            payload["spid"] = json!("0ccc7b54-4df3-4bca-a65a-3da1ecc777f0");
            payload["requested_foc_date"] = json!("2026-11-27T18:00:00");
        });
        for read in web_hook(&body, None).unwrap() {
            let fault = read.unwrap_err();
            assert_eq!(
                fault.faults,
                [(Field::NewNetworkServiceProvider, Reason::FieldMalformed), (Field::DesiredDueDate, Reason::TimeWithoutZone)]
            );
            assert_eq!(fault.answer(Timestamp::from_second(0)).unwrap().word(), "reject");
        }
        let unknown = web_hook(&hook("pending", |_| {}), Some(&BTreeSet::new())).unwrap();
        assert_eq!(unknown[0].as_ref().unwrap_err().faults, [(Field::NewNetworkServiceProvider, Reason::UnknownCompany)]);
    }

    #[test]
    fn an_order_without_a_purchase_order_number_goes_by_its_support_key() {
        let body = hook("canceled", |payload| payload["pon"] = Value::Null);
        let read = web_hook(&body, None).unwrap();
        assert_eq!(read[0].as_ref().unwrap().order().unwrap().pon.as_str(), "PO-000077");
    }

    #[test]
    fn another_event_and_a_broken_one_are_faults() {
        let other = hook("pending", |_| {}).replace("portout.status_changed", "portout.new_comment");
        assert_eq!(web_hook(&other, None).unwrap_err().faults, [(Field::Type, Reason::FieldMalformed)]);
        for body in ["", "{}", "[]", "{\"data\":[]}"] {
            assert!(web_hook(body, None).is_err(), "{body}");
        }
        let many = hook("pending", |payload| payload["phone_numbers"] = json!(vec!["+13055550123"; NUMBERS + 1]));
        assert_eq!(web_hook(&many, None).unwrap_err().faults, [(Field::Message, Reason::TooLarge)]);
    }

    const HEADER: &str = "ported_number,account_number,zip,company_code,new_network_service_provider,desired_due_date,\
        purchase_order_number,version,portability_direction,customer_carrier_name,requisition_type,activity,\
        initiator_number,agency_authority,passcode";

    fn row(n: u32) -> String {
        format!("+1305555{n:04},987654,33101,987H,6X21,2026-11-25T15:00:00-05:00,LK-{n},0,A,ZZZ,CB,V,+12125550199,Y,482913")
    }

    fn kinds(file: &[u8]) -> Vec<(usize, bool)> {
        batch(file, None).unwrap().iter().map(|line| (line.number, line.read.is_ok())).collect()
    }

    #[test]
    fn a_file_is_read_with_its_marks_and_line_ends() {
        let file = format!("\u{feff}{HEADER}\r\n{}\r\n\r\n{}\n", row(1), row(2));
        assert_eq!(kinds(file.as_bytes()), [(2, true), (4, true)]);
        let lines = batch(file.as_bytes(), None).unwrap();
        assert_eq!(lines[1].read.as_ref().unwrap().order().unwrap().pon.as_str(), "LK-2");
    }

    #[test]
    fn columns_may_stand_in_any_order_and_the_passcode_may_be_left_out() {
        let reversed = |line: &str| line.split(',').rev().collect::<Vec<_>>().join(" , ");
        let file = format!("{}\n{}\n", reversed(HEADER).to_uppercase(), reversed(&row(1)));
        assert_eq!(kinds(file.as_bytes()), [(2, true)]);
        let short = |line: &str| line.rsplit_once(',').unwrap().0.to_owned();
        let file = format!("{}\n{}\n", short(HEADER), short(&row(1)));
        assert!(batch(file.as_bytes(), None).unwrap()[0].read.as_ref().unwrap().passcode().is_none());
    }

    #[test]
    fn one_bad_line_never_holds_the_others() {
        let bad = [
            "half,a,line".to_owned(),
            format!("{},extra", row(2)),
            row(2).replace("33101", "\"33101"),
            row(2).replace("482913", "\"482913"),
            row(2).replace("33101", "zip"),
            row(2).replace("33101", "33101\r33101"),
            "\u{fffd}\u{0}".to_owned(),
            format!("{}{}", row(2), "9".repeat(LINE_LIMIT)),
        ];
        for line in bad {
            let file = format!("{HEADER}\n{}\n{line}\n{}\n", row(1), row(3));
            assert_eq!(kinds(file.as_bytes()), [(2, true), (3, false), (4, true)], "{line}");
        }
        let mut file = format!("{HEADER}\n{}\n", row(1)).into_bytes();
        file.extend(b"\xff\xfe\x00,\n");
        file.extend(format!("{}\n", row(3)).bytes());
        assert_eq!(kinds(&file), [(2, true), (3, false), (4, true)]);
    }

    #[test]
    fn a_bad_field_of_a_line_is_named_and_answered() {
        let file = format!("{HEADER}\n{}\n", row(1).replace(",33101,", ",,").replace("-05:00", ""));
        let lines = batch(file.as_bytes(), None).unwrap();
        let fault = lines[0].read.as_ref().unwrap_err();
        assert_eq!(fault.faults, [(Field::Zip, Reason::FieldMissing), (Field::DesiredDueDate, Reason::TimeWithoutZone)]);
        assert_eq!(fault.order.as_ref().unwrap().pon.as_str(), "LK-1");
    }

    #[test]
    fn half_a_line_at_the_end_is_a_fault_wherever_it_was_cut() {
        let whole = format!("{HEADER}\n{}\n{}\n", row(1), row(2));
        let start = whole.len() - row(2).len() - 1;
        for cut in start + 1..whole.len() {
            assert_eq!(kinds(&whole.as_bytes()[..cut]), [(2, true), (3, false)], "{cut}");
        }
        assert_eq!(kinds(&whole.as_bytes()[..start]), [(2, true)]);
    }

    #[test]
    fn quoted_values_are_values() {
        let file = format!("{HEADER}\n{}\n", row(1).replace("987654", "\"987,654\""));
        assert_eq!(kinds(file.as_bytes()), [(2, true)]);
    }

    #[test]
    fn a_file_without_its_header_or_over_the_limits_is_not_taken() {
        for file in [String::new(), "\n".to_owned(), HEADER.to_owned(), format!("{}\n", row(1)), "a,b\n".to_owned()] {
            assert!(batch(file.as_bytes(), None).is_err(), "{file}");
        }
        let fault = batch(format!("{}\n", HEADER.replace("zip", "version")).as_bytes(), None).unwrap_err();
        assert_eq!(fault.faults, [(Field::Zip, Reason::FieldMissing), (Field::Version, Reason::FieldOutOfPlace)]);
        assert!(batch(format!("{HEADER}\n").as_bytes(), None).unwrap().is_empty());
        assert!(batch(&vec![b'\n'; FILE_LIMIT + 1], None).is_err());
        let many = format!("{HEADER}\n{}", "x\n".repeat(LINES + 1));
        assert_eq!(batch(many.as_bytes(), None).unwrap_err().faults, [(Field::Message, Reason::TooLarge)]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_an_adapter_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0usize..900) {
            let _ = batch(&bytes, None);
            let _ = web_hook(&String::from_utf8_lossy(&bytes), None);
            let mut file = format!("{HEADER}\n{}\n{}\n", row(1), row(2)).into_bytes();
            let at = at % file.len();
            file.splice(at..at, bytes.iter().copied());
            let _ = batch(&file, None);
        }

        #[test]
        fn a_line_is_read_the_same_whatever_stands_around_it(noise in "[^\n]{0,60}") {
            let file = format!("{HEADER}\n{noise}\n{}\n{noise}\n", row(1));
            let lines = batch(file.as_bytes(), None).unwrap();
            let good = lines.iter().find(|line| line.number == 3).unwrap();
            prop_assert_eq!(good.read.as_ref().unwrap().order().unwrap().pon.as_str(), "LK-1");
        }
    }
}
