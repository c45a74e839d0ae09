#include "client/shared_message.h"

#include <algorithm>

#include "base/buffer_pool.h"
#include "metrics/counters.h"

namespace aero::detail {

namespace {

constexpr uint8_t inline_all_rows =
    wire::batch_flag::in_line | wire::batch_flag::respond_all_keys | wire::batch_flag::report_error_row;
constexpr uint32_t no_template = UINT32_MAX;

bool same_bytes(std::span<const uint8_t> a, std::span<const uint8_t> b) noexcept { return std::ranges::equal(a, b); }

bool same_shape(const row_template& a, const row_template& b) noexcept {
    return a.info1 == b.info1 && a.info2 == b.info2 && a.info3 == b.info3 && a.ttl == b.ttl &&
           a.op_count == b.op_count && a.name_space == b.name_space && a.set == b.set && same_bytes(a.ops, b.ops) &&
           same_bytes(a.filter, b.filter);
}

}  // namespace

uint32_t shared_message::template_index(const row_template& shape) {
    // Few different ones, and the last is the likeliest.
    for (size_t i = templates_.size(); i-- > 0;)
        if (same_shape(templates_[i], shape)) return static_cast<uint32_t>(i);
    templates_.push_back(shape);
    return static_cast<uint32_t>(templates_.size() - 1);
}

void shared_message::prepare_gets(std::span<loop_call* const> gets) {
    std::vector<uint32_t> shape_of(gets.size());
    for (size_t i = 0; i < gets.size(); ++i) shape_of[i] = template_index(gets[i]->as_record()->as_row());
    // Rows of one shape stand together, so that all but the first are REPEAT rows.
    for (uint32_t shape = 0; shape < templates_.size(); ++shape)
        for (size_t i = 0; i < gets.size(); ++i) {
            if (shape_of[i] != shape) continue;
            gets[i]->member = members_.size();
            members_.push_back({gets[i], static_cast<uint32_t>(digests_.size()), 1});
            digests_.push_back(gets[i]->as_record()->record_digest());
            template_of_.push_back(shape);
        }
    prepare(gets, inline_all_rows);
}

void shared_message::prepare_batches(std::span<loop_call* const> batches) {
    std::vector<uint32_t> renamed;
    for (loop_call* one : batches) {
        const command::batch_call& from = *one->as_batch();
        one->member = members_.size();
        members_.push_back({one, static_cast<uint32_t>(digests_.size()), static_cast<uint32_t>(from.digests().size())});
        digests_.insert(digests_.end(), from.digests().begin(), from.digests().end());
        renamed.assign(from.templates().size(), no_template);
        for (const uint32_t shape : from.template_of()) {
            if (renamed[shape] == no_template) renamed[shape] = template_index(from.templates()[shape]);
            template_of_.push_back(renamed[shape]);
        }
    }
    prepare(batches, batches.front()->as_batch()->flags());
}

void shared_message::prepare(std::span<loop_call* const> who, uint8_t flags) {
    batch_request request;
    request.digests = digests_;
    request.template_of = template_of_;
    request.templates = templates_;
    request.flags = flags;
    transport_policy policy = who.front()->machine().policy();
    // A silent node must leave the members time for a replica, as it would if each had gone alone.
    if (policy.total_timeout_ms != 0 && policy.max_retries != 0) {
        const uint32_t share_ms = policy.total_timeout_ms / (policy.max_retries + 1) + 1;
        policy.socket_timeout_ms =
            policy.socket_timeout_ms == 0 ? share_ms : std::min(policy.socket_timeout_ms, share_ms);
    }
    policy.max_retries = 0;  // what fails goes out again member by member, each with its own retries
    call_.prepare(request, policy, split_large_);
    nanos latest = 0;
    bool stamps = false;
    for (loop_call* one : who) {
        one->message = this;
        one->at = loop_call::phase::member;
        latest = std::max(latest, one->deadline);
        stamps = stamps || one->with_times;
    }
    metrics::count(metrics::event::call_merged, who.size());
    call_.set_deadline(latest);
    if (stamps) call_.want_stamps();
}

bool shared_message::share_out(const member& to, const batch_reply& whole) const {
    const std::span<const row_result> rows = std::span(whole.rows).subspan(to.first_row, to.rows);
    if (std::ranges::any_of(rows, [](const row_result& row) { return row.code < 0; })) return false;
    call_outcome& out = to.who->outcome;
    if (to.who->as_record() != nullptr) {
        out.record = command::record_call::reply_of_row(rows.front(), whole.ops_of(rows.front()));
        return true;
    }
    size_t total = 0;
    for (const row_result& row : rows) total += row.size;
    buffer own = take_buffer(total);
    out.batch.rows.assign(rows.begin(), rows.end());
    for (row_result& mine : out.batch.rows) {
        const byte_view ops = whole.ops_of(mine);
        mine.offset = static_cast<uint32_t>(own.size());
        mine.chunk = 0;
        own.append(ops);
    }
    out.batch.chunks.push_back(command::hold(std::move(own)));
    return true;
}

}  // namespace aero::detail
