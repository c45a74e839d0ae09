#include "calls/operation.h"

#include "base/time.h"
#include "calls/operations.h"
#include "errors.h"

namespace aero::py {
namespace {

template <class Reply>
call_outcome outcome_of(result<Reply>&& from, Reply call_outcome::* where) {
    call_outcome outcome;
    if (from)
        outcome.*where = std::move(*from);
    else
        outcome.failure = std::make_unique<error>(std::move(from.error()));
    return outcome;
}

}  // namespace

code operation::verdict(const call_outcome& outcome) const noexcept {
    return outcome.failure != nullptr ? outcome.failure->what : code::ok;
}

// ---- one record ----------------------------------------------------------------------------------------------------

bool record_operation::parse(const argument_slots& slots, bool strict) {
    return guarded([&] { return parse_key(slots[0], key) && of_.parse(*this, slots, strict); });
}

bool record_operation::take_read_policy(PyObject* given, bool strict) {
    read_options read;
    if (!parse_read_policy(given, strict, read)) return false;
    policy = read.transport;
    ops.info1 |= read.info1;
    ttl = read.ttl;
    return true;
}

bool record_operation::take_write_policy(PyObject* given, PyObject* meta, bool strict) {
    write_options write;
    if (!parse_write_policy(given, meta, strict, write)) return false;
    policy = write.transport;
    rules = write.rules;
    ttl = write.rules.ttl;
    if (ops.writes()) {
        ops.info2 |= rules.info2;
    } else {
        // A message that only reads carries no rules of writing.
        ttl = write.read_ttl;
        rules.info3 = 0;
        rules.generation = 0;
    }
    if ((ops.info1 & wire::info1::read) != 0) ops.info1 |= write.info1;
    return !rules.send_key || append_key_field(key.objects.user_key.get(), key_field);
}

record_request record_operation::request() const noexcept {
    record_request made;
    made.name_space = key.name_space;
    made.set = key.set;
    made.digest = key.objects.digest;
    made.key_field = key_field.view();
    made.ops = ops.bytes.view();
    made.op_count = ops.count;
    made.info1 = ops.info1;
    made.info2 = ops.info2;
    made.info3 = rules.info3;
    made.generation = rules.generation;
    made.ttl = ttl;
    made.is_write = ops.writes();
    return made;
}

call_outcome record_operation::execute(client& through, const call_options& options) {
    return outcome_of(through.execute(request(), policy, options), &call_outcome::record);
}

event_client::ticket record_operation::submit(event_client& through, completion& whom, bool with_times) {
    return through.submit(request(), policy, whom, with_times);
}

code record_operation::verdict(const call_outcome& outcome) const noexcept {
    if (outcome.failure != nullptr) return outcome.failure->what;
    if (of_.missing_is_an_answer && outcome.record.code == code::record_not_found) return code::ok;
    return outcome.record.code;
}

PyObject* record_operation::convert(call_outcome&& outcome, PyObject*) {
    if (outcome.failure != nullptr) return raise(*outcome.failure, kind().name());
    return guarded([&] { return of_.convert(*this, outcome.record); });
}

// ---- many records --------------------------------------------------------------------------------------------------

bool batch_operation::parse(const argument_slots& slots, bool strict) {
    return guarded([&] { return of_.parse(*this, slots, strict); });
}

bool batch_operation::take_retry(PyObject* given) {
    retry.allow(0);
    if (given == nullptr) return true;
    const ref number = ref::take(PyNumber_Index(given));
    if (!number) return false;
    int overflow = 0;
    const int64_t retries = small_int(number.get(), overflow);
    if (overflow != 0 || retries < 0 || retries > 1'000'000) {
        PyErr_Format(PyExc_ValueError, "retry must be 0 to 1000000, got %R", given);
        return false;
    }
    retry.allow(static_cast<int>(retries));
    return true;
}

batch_request batch_operation::next_request() {
    if (!retry.is_partial()) return call.request();
    part_.rows = retry.rows();
    return call.request(part_);
}

call_outcome batch_operation::execute(client& through, const call_options& options) {
    if (retry.watched()) retry.begin(monotonic_now());
    return outcome_of(through.execute(next_request(), call.options.transport, options), &call_outcome::batch);
}

event_client::ticket batch_operation::submit(event_client& through, completion& whom, bool with_times) {
    if (retry.watched()) retry.begin(monotonic_now());
    return through.submit(next_request(), call.options.transport, whom, with_times);
}

std::optional<int64_t> batch_operation::again(call_outcome& outcome, int64_t now) {
    return retry.after(outcome, call.keys.size(), now, call.options.transport.total_timeout_ms);
}

PyObject* batch_operation::convert(call_outcome&& outcome, PyObject* timings) {
    if (outcome.failure != nullptr) return raise(*outcome.failure, kind().name());
    return guarded([&] { return of_.convert(*this, std::move(outcome.batch), timings); });
}

operation::labels batch_operation::labels_of() const noexcept {
    if (call.keys.groups.empty()) return {};
    return {call.keys.groups.front().name_space_text, call.keys.groups.front().set_text};
}

// ---- nodes ---------------------------------------------------------------------------------------------------------

bool info_operation::parse(const argument_slots& slots, bool strict) {
    return guarded([&] { return of_.parse(*this, slots, strict); });
}

call_outcome info_operation::execute(client& through, const call_options& options) {
    return outcome_of(through.info(command, of_.target, timeout_ms, options), &call_outcome::info);
}

event_client::ticket info_operation::submit(event_client& through, completion& whom, bool) {
    return through.submit_info(command, of_.target, timeout_ms, whom);
}

PyObject* info_operation::convert(call_outcome&& outcome, PyObject*) {
    if (outcome.failure != nullptr && !kind().never_raises) return raise(*outcome.failure, kind().name());
    return guarded([&] { return of_.convert(*this, std::move(outcome.info)); });
}

}  // namespace aero::py
