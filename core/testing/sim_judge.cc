#include "testing/sim_judge.h"

#include <algorithm>
#include <array>

#include "wire/digest.h"
#include "wire/message.h"

namespace aero::tests {
namespace {

using family = sim_call::family;

constexpr uint8_t read_all = wire::info1::read | wire::info1::get_all;
constexpr std::array<const char*, 5> names{"get", "put", "batch read", "batch write", "info"};

std::vector<uint8_t> op_of(uint64_t value) {
    buffer made;
    std::array<uint8_t, 8> bytes;
    store_be(bytes.data(), value);
    wire::append_op(made, wire::op_code::write, wire::particle::integer, "v", bytes);
    return {made.view().begin(), made.view().end()};
}

// Failures that leave the call free to try again until its deadline.
bool passing(code what) noexcept {
    return what == code::connection || what == code::cluster || what == code::no_more_connections;
}

}  // namespace

record_request sim_running::record() const {
    record_request made{.name_space = "test", .set = "sim", .digest = digests.front()};
    if (!writes()) {
        made.info1 = read_all;
        return made;
    }
    made.ops = ops.front();
    made.op_count = 1;
    made.info2 = wire::info2::write;
    made.is_write = true;
    return made;
}

batch_request sim_running::batch() const {
    return {.digests = digests, .template_of = template_of, .templates = shapes, .is_write = writes()};
}

digest sim_judge::digest_of_key(unsigned key) {
    const std::string name = "key_" + std::to_string(key);
    return wire::digest_of({.set = "sim", .type = wire::particle::string, .value = as_bytes(name)});
}

sim_running& sim_judge::begin(const sim_call& of, std::string who, nanos now) {
    sim_running& made = calls_.emplace_back();
    made.number = static_cast<unsigned>(calls_.size());
    made.what = of.what;
    made.keys = of.keys;
    made.who = std::move(who);
    made.began = now;
    made.cuts_attempts = of.policy.socket_timeout_ms != 0;
    if (of.policy.total_timeout_ms != 0) made.deadline = now + from_ms(of.policy.total_timeout_ms);
    for (uint32_t row = 0; row < of.keys.size(); ++row) {
        made.digests.push_back(digest_of_key(of.keys[row]));
        if (!made.writes()) continue;
        made.values.push_back(next_value(of.keys[row]));
        made.ops.push_back(op_of(made.values.back()));
        made.template_of.push_back(row);
    }
    for (const auto& op : made.ops)
        made.shapes.push_back({.name_space = "test",
                               .set = "sim",
                               .info2 = wire::info2::write,
                               .has_generation = true,
                               .ops = op,
                               .op_count = 1});
    if (made.shapes.empty()) made.shapes.push_back({.name_space = "test", .set = "sim", .info1 = read_all});
    ++figures_.calls;
    if (story && !quiet)
        story(made.who + " begins call " + std::to_string(made.number) + ": " + names[static_cast<size_t>(of.what)] +
              (of.keys.size() > 1 ? " of " + std::to_string(of.keys.size()) + " rows"
                                  : " of key_" + std::to_string(of.keys.front())) +
              " within " + std::to_string(of.policy.total_timeout_ms) + " ms");
    return made;
}

void sim_judge::fail(std::string kind, std::string text) {
    if (story) story("BROKEN (" + kind + "): " + text);
    failures_.push_back({std::move(kind), std::move(text)});
}

void sim_judge::blame(const sim_running& call, std::string kind, const std::string& text) {
    fail(std::move(kind), "call " + std::to_string(call.number) + " (" + names[static_cast<size_t>(call.what)] +
                              " of " + call.who + "): " + text);
}

void sim_judge::ended(sim_running& call, const call_outcome& outcome, nanos now) {
    if (call.ended) return blame(call, "twice", "ended a second time");
    call.ended = true;
    call.ended_at = now;
    call.admitted = outcome.times.admitted;
    const error* failure = outcome.failure.get();
    if (story && (!quiet || failure != nullptr))
        story(call.who + " ends call " + std::to_string(call.number) + ": " +
              (failure == nullptr ? "answered" : std::string(name_of(failure->what)) + ": " + failure->text) +
              (failure != nullptr && failure->in_doubt ? " (in doubt)" : ""));
    if (call.cancelled && call.who.starts_with("loop"))
        return blame(call, "cancelled", "was told its end although it was cancelled");
    if (now > std::max(call.deadline == never ? never - tick : call.deadline, call.excused_until) + tick)
        blame(call, "late", "ended " + std::to_string((now - call.deadline) / 1000) + " us after its deadline");
    if (failure != nullptr) check_parking(call, *failure, now);
    add(call.number);
    add(static_cast<uint64_t>(now));
    add(failure == nullptr ? 0 : static_cast<uint64_t>(static_cast<int64_t>(failure->what)));
    ++(failure == nullptr ? figures_.ok : figures_.failed);
    if (failure != nullptr && failure->what == code::cancelled) {
        ++figures_.cancelled;
        if (!call.cancelled) blame(call, "cancelled", "says that it was cancelled, which nobody did");
    }
    if (failure != nullptr && (failure->what == code::ok || failure->text.empty()))
        blame(call, "error", "failed without a reason");
    if (call.what == family::info) return;
    if (call.what == family::read_one || call.what == family::write_one)
        judge_record(call, outcome);
    else
        judge_batch(call, outcome);
}

void sim_judge::judge_record(sim_running& call, const call_outcome& outcome) {
    const nanos now = call.ended_at;
    if (const error* failure = outcome.failure.get()) {
        if (call.writes())
            judge_write(call, 0, static_cast<int>(failure->what), failure->in_doubt, false);
        else if (failure->in_doubt)
            blame(call, "doubt", "a read is never in doubt");
        return;
    }
    const record_reply& reply = outcome.record;
    if (call.writes()) return judge_write(call, 0, static_cast<int>(reply.code), reply.in_doubt, false);
    if (reply.code == code::ok && reply.op_count == 1) {
        reader from(reply.ops);
        const wire::op_view op = wire::read_op(from);
        const bool ours = from.ok() && op.name == "v" && op.value.size() == 8;
        if (!ours) return blame(call, "answer", "its answer holds what nobody wrote");
        return judge_read(call, 0, load_be<uint64_t>(op.value.data()), now);
    }
    if (reply.code == code::ok) return blame(call, "answer", "its answer lacks the bin");
    if (reply.code == code::record_not_found) judge_read(call, 0, std::nullopt, now);
}

void sim_judge::judge_batch(sim_running& call, const call_outcome& outcome) {
    const nanos now = call.ended_at;
    const error* failure = outcome.failure.get();
    if (failure != nullptr && !call.writes() && failure->in_doubt) blame(call, "doubt", "a read is never in doubt");
    if (failure != nullptr) {  // no row was answered: what is said holds for some row, or for none
        size_t open = 0;
        for (size_t row = 0; call.writes() && row < call.keys.size(); ++row)
            open = model_.times_sent(call.values[row]) > 0 ? row : open;
        for (size_t row = 0; call.writes() && row < call.keys.size(); ++row)
            if (row == open || !failure->in_doubt)
                judge_write(call, row, static_cast<int>(failure->what), failure->in_doubt, true);
        return;
    }
    const batch_reply& reply = outcome.batch;
    if (reply.rows.size() != call.keys.size())
        return blame(
            call, "rows",
            "has " + std::to_string(reply.rows.size()) + " answers to " + std::to_string(call.keys.size()) + " rows");
    for (size_t row = 0; row < call.keys.size(); ++row) {
        const row_result& each = reply.rows[row];
        if (each.code == row_result::unanswered) {
            blame(call, "rows", "row " + std::to_string(row) + " has no answer");
        } else if (call.writes()) {
            judge_write(call, row, each.code, each.in_doubt(), false);
        } else if (each.code < 0) {
            blame(call, "rows", "a read that succeeded has no answer for row " + std::to_string(row));
        } else if (each.code == 0) {
            reader from(reply.ops_of(each));
            const wire::op_view op = wire::read_op(from);
            if (each.op_count != 1 || !from.ok() || op.value.size() != 8)
                blame(call, "answer", "the answer of a row holds what nobody wrote");
            else
                judge_read(call, row, load_be<uint64_t>(op.value.data()), now);
        } else if (each.code == static_cast<int>(code::record_not_found)) {
            judge_read(call, row, std::nullopt, now);
        }
    }
}

void sim_judge::judge_read(const sim_running& call, size_t row, std::optional<uint64_t> value, nanos now) {
    add(value.value_or(1));
    const unsigned key = call.keys[row];
    if (value && *value >> 32 != key)
        return blame(call, "foreign",
                     "asked for key_" + std::to_string(key) + " and was given the answer for key_" +
                         std::to_string(*value >> 32));
    if (!model_.could_be_seen(call.digests[row], value, call.began, now))
        blame(call, "answer", "key_" + std::to_string(key) + " did not hold this while the call ran");
}

void sim_judge::judge_write(const sim_running& call, size_t row, int told, bool in_doubt, bool of_all) {
    const nanos now = call.ended_at;
    const uint64_t value = call.values[row];
    const unsigned sent = model_.times_sent(value);
    const std::string which = "the write of row " + std::to_string(row);
    add(told == 0 ? 2 : in_doubt ? 3 : 4);
    figures_.doubtful += in_doubt ? 1 : 0;
    if (told == 0) {
        if (in_doubt) blame(call, "doubt", which + " is acknowledged and in doubt");
        if (!model_.was_applied(value)) blame(call, "lost", which + " is acknowledged and was not done");
        return;
    }
    if (in_doubt && sent == 0) blame(call, "doubt", which + " is in doubt, but no byte of it was sent");
    const bool refused = told > 0 && told != static_cast<int>(code::timeout) && !of_all;
    // An attempt that no clock of its own cut short has told its call what was read for it.
    const bool all_refused = sent > 0 && model_.times_refused(value) >= sent;
    if (in_doubt && all_refused && !of_all && !call.cuts_attempts)
        blame(call, "doubt", which + " is in doubt, but each of its attempts was refused");
    if (in_doubt && refused && sent == 1) blame(call, "doubt", which + " is in doubt, but its one attempt was refused");
    if (passing(static_cast<code>(told)) && sent == 0 && now + tick < call.deadline)
        blame(call, "unsent", which + " was given up before its deadline, though no byte of it was sent");
    if (!in_doubt) {
        undone_.emplace_back(value, "call " + std::to_string(call.number) + " of " + call.who);
        if (model_.was_applied(value))
            blame(call, "doubt", which + " failed for certain (" + std::to_string(told) + ") and was done");
    }
}

// Who could ask nobody goes on as soon as somebody is known.
void sim_judge::check_parking(const sim_running& call, const error& failure, nanos now) {
    constexpr nanos soon = from_ms(10);
    const auto says = [&](const char* what) { return failure.text.find(what) != std::string::npos; };
    const bool parked = says("no node owns") || says("no node of the cluster answers") || says("has no nodes");
    if (failure.what != code::deadline || failure.attempts != 0 || !parked || masters_known_since == never) return;
    if (now > std::max({masters_known_since, call.began, call.excused_until}) + soon)
        blame(call, "parked", "waited to its end for a node to ask, though one was known");
}

void sim_judge::check_admission(uint32_t admitted_max) {
    std::vector<std::pair<nanos, int>> changes;
    for (const sim_running& each : calls_) {
        if (each.admitted == 0 || !each.ended) continue;
        changes.emplace_back(each.admitted, 1);
        changes.emplace_back(each.ended_at, -1);
    }
    std::ranges::sort(changes);  // of equal time, ends come first
    int held = 0;
    for (const auto& [when, change] : changes) {
        held += change;
        if (held > static_cast<int>(admitted_max))
            return fail("limit", "more calls than max_concurrent_operations ran at once");
    }
}

void sim_judge::check_the_end(uint32_t admitted_max) {
    for (const sim_running& each : calls_)
        if (!each.ended && !each.cancelled) blame(each, "late", "never ended");
    for (const auto& [value, who] : undone_)
        if (model_.was_applied(value)) fail("doubt", "a write that failed for certain was done after all: " + who);
    if (admitted_max != 0) check_admission(admitted_max);
}

}  // namespace aero::tests
