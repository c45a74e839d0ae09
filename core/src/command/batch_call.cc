#include "command/batch_call.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>
#include <utility>

#include "base/buffer_pool.h"
#include "base/planted.h"
#include "command/record_call.h"
#include "command/request_limits.h"
#include "metrics/counters.h"
#include "wire/batch.h"

namespace aero::command {

namespace {

// Views copied into one block of memory that must not move while they are made.
class text_copier {
  public:
    text_copier(std::vector<uint8_t>& into, size_t total) : into_(into) {
        into_.clear();
        into_.reserve(total);
    }
    byte_view copy(byte_view from) {
        assert(into_.size() + from.size() <= into_.capacity());
        const size_t at = into_.size();
        into_.insert(into_.end(), from.begin(), from.end());
        return {into_.data() + at, from.size()};
    }
    std::string_view copy(std::string_view from) { return as_text(copy(as_bytes(from))); }

  private:
    std::vector<uint8_t>& into_;
};

// Of its records, when all is well: looking for the owners of each row would cost more than it tells. 0: there shall be
// one copy only.
unsigned owners_in(const cluster::namespace_map& map, const cluster::view& seen) noexcept {
    return map.replicas < 2 ? 0 : std::min<unsigned>(map.replicas, static_cast<unsigned>(seen.nodes.size()));
}

size_t size_of(const row_template& shape) noexcept {
    return shape.name_space.size() + shape.set.size() + shape.filter.size() + shape.ops.size();
}

}  // namespace

void batch_call::prepare(const batch_request& request, const transport_policy& policy, bool split_large) {
    assert(!request.digests.empty() && !request.templates.empty());
    reset(policy, request.is_write);
    digests_.assign(request.digests.begin(), request.digests.end());
    if (request.template_of.empty())
        template_of_.assign(digests_.size(), 0);
    else
        template_of_.assign(request.template_of.begin(), request.template_of.end());
    flags_ = request.flags;
    split_large_ = split_large;
    results_.assign(digests_.size(), row_result{});
    rivals_.clear();
    chunks_.clear();
    first_error_.reset();
    answered_ = 0;
    if (std::string flaw = flaw_of(request); !flaw.empty()) return refuse(std::move(flaw));
    if (std::string flaw = flaw_of(policy); !flaw.empty()) return refuse(std::move(flaw));
    copy_templates(request);
}

void batch_call::copy_templates(const batch_request& request) {
    size_t total = request.filter.size();
    for (const row_template& shape : request.templates) total += size_of(shape);
    for (const auto& key : request.key_fields) total += key.size();
    text_copier text(text_, total);
    templates_.assign(request.templates.begin(), request.templates.end());
    size_t largest = 0;
    for (row_template& shape : templates_) {
        largest = std::max(largest, size_of(shape));
        shape.name_space = text.copy(shape.name_space);
        shape.set = text.copy(shape.set);
        shape.filter = text.copy(shape.filter);
        shape.ops = text.copy(shape.ops);
    }
    key_fields_.clear();
    for (const auto& key : request.key_fields) key_fields_.push_back(text.copy(key));
    filter_ = text.copy(request.filter);
    // Only one row in a run carries its template; runs are usually long.
    row_size_ = 25 + (request.templates.size() * 4 > digests_.size() ? largest + 40 : 0);
}

std::unique_ptr<call::plan_error> batch_call::find_maps(const cluster::view& seen) {
    maps_.clear();
    for (const row_template& shape : templates_) {
        const cluster::namespace_map* map = seen.find(shape.name_space);
        if (map == nullptr) return unknown_namespace(shape.name_space, seen);
        maps_.push_back(map);
    }
    return nullptr;
}

std::unique_ptr<call::plan_error> batch_call::plan(part& which, const cluster::view& seen, nanos now) {
    if (auto problem = find_maps(seen)) return problem;
    if (which.rows.empty()) {  // the whole batch
        which.rows.resize(digests_.size());
        for (uint32_t i = 0; i < which.rows.size(); ++i) which.rows[i] = i;
    } else {
        metrics::count(metrics::event::batch_resplit);
    }
    if (planted(planted_bug::row_dropped) && which.tried > 0 && which.rows.size() > 1) which.rows.pop_back();
    std::array<std::vector<uint32_t>, cluster::nodes_max> shares;
    std::vector<uint32_t> homeless;
    for (const uint32_t row : which.rows) {
        const uint8_t node = cluster::route(*maps_[template_of_[row]], seen, wire::partition_of(digests_[row]),
                                            replica_choice(), which.asked, now);
        if (node == cluster::no_node) {
            homeless.push_back(row);
            continue;
        }
        std::vector<uint32_t>& share = shares[node];
        if (share.capacity() == 0) share.reserve(which.rows.size() / seen.nodes.size() + 16);
        share.push_back(row);
    }
    if (homeless.size() == which.rows.size())
        return std::make_unique<plan_error>(
            plan_error{false, code::partition_unavailable, "no node owns the partitions of the rows at the moment"});
    for (uint8_t node = 0; node < seen.nodes.size() && node < cluster::nodes_max; ++node) {
        std::span<const uint32_t> rows = shares[node];
        if (split_large_ && rows.size() >= split_rows_min) {
            launch_share(which, seen, node, rows.first(rows.size() / 2), now);
            rows = rows.subspan(rows.size() / 2);
        }
        if (!rows.empty()) launch_share(which, seen, node, rows, now);
    }
    if (can_be_hedged(seen)) hedge_later(seen, which.rows.size(), now);
    if (!homeless.empty()) {
        part rest(static_cast<const standing&>(which));
        rest.rows = std::move(homeless);
        park(std::move(rest),
             error{.what = code::partition_unavailable,
                   .text = "no node owns the partitions of some rows at the moment"},
             now);
    }
    return nullptr;
}

void batch_call::launch_share(const part& of, const cluster::view& seen, uint8_t node, std::span<const uint32_t> rows,
                              nanos now) {
    auto ready = ask(seen.nodes[node].get(), rows, now);
    for (const uint32_t row : rows) results_[row].chunk = ready->chunk;
    const cluster::namespace_map& map = *maps_[template_of_[rows.front()]];
    launch(std::move(ready), of, now, owners_in(map, seen));
}

std::unique_ptr<attempt> batch_call::ask(cluster::node* node, std::span<const uint32_t> rows, nanos now) {
    assert(chunks_.size() < no_rival);
    auto ready = std::make_unique<attempt>(this, node, reply_form::rows, encode(rows, now));
    ready->rows.assign(rows.begin(), rows.end());
    ready->chunk = static_cast<uint16_t>(chunks_.size());
    chunks_.emplace_back();
    return ready;
}

bool batch_call::has_another_owner(const attempt& which, const cluster::view& seen) const noexcept {
    const cluster::namespace_map* map = seen.find(templates_[template_of_[which.rows.front()]].name_space);
    return map != nullptr && owners_in(*map, seen) > 1;
}

bool batch_call::can_be_hedged(const cluster::view& seen) const noexcept {
    return seen.hedging != nullptr && replica_choice() != replica_policy::master &&
           std::ranges::any_of(maps_, [&](const cluster::namespace_map* map) { return owners_in(*map, seen) > 1; });
}

void batch_call::ask_beside(const attempt& first, const part& which, const cluster::view& seen, nanos now) {
    if (find_maps(seen)) return;
    std::array<std::vector<uint32_t>, cluster::nodes_max> shares;
    size_t asked = 0;
    for (const uint32_t row : first.rows) {
        if (answered(row)) continue;
        const uint8_t owner = cluster::route(*maps_[template_of_[row]], seen, wire::partition_of(digests_[row]),
                                             replica_choice(), which.asked, 0);
        if (rival_of(first, seen, owner) == nullptr) continue;
        shares[owner].push_back(row);
        ++asked;
    }
    if (asked == 0 || !hedging_of(seen).admit(asked)) return;
    if (rivals_.empty()) rivals_.assign(results_.size(), no_rival);
    for (uint8_t node = 0; node < seen.nodes.size() && node < cluster::nodes_max; ++node) {
        if (shares[node].empty()) continue;
        auto ready = ask(seen.nodes[node].get(), shares[node], now);
        for (const uint32_t row : shares[node]) rivals_[row] = ready->chunk;
        launch_beside(std::move(ready), which, now);
    }
}

bool batch_call::outrun(const attempt& which) const noexcept {
    return std::ranges::all_of(which.rows, [this](uint32_t row) { return answered(row); });
}

buffer batch_call::encode(std::span<const uint32_t> rows, nanos now) const {
    buffer to = take_buffer(rows.size() * row_size_ + filter_.size() + text_.size() + 128);
    wire::batch_writer writer(to, flags_, remaining_ms(now), static_cast<uint32_t>(rows.size()), filter_);
    if (policy().compress) writer.ask_compressed();
    uint32_t previous = std::numeric_limits<uint32_t>::max();
    for (const uint32_t row : rows) {
        const byte_view key = key_fields_.empty() ? byte_view{} : key_fields_[row];
        if (template_of_[row] == previous && key.empty()) {
            writer.repeat(row, digests_[row]);
            continue;
        }
        writer.row(row, digests_[row], templates_[template_of_[row]], key);
        // A row that carries a key must not be repeated.
        previous = key.empty() ? template_of_[row] : std::numeric_limits<uint32_t>::max();
    }
    writer.finish();
    return to;
}

bool batch_call::take_rows(attempt& from, byte_view body, size_t offset) {
    const uint8_t* base = body.data() - offset;
    wire::reply_rows rows(body);
    wire::reply_row row;
    bool any = false;
    while (rows.next(row)) {
        any = true;
        const uint32_t index = row.header.transaction_ttl;
        if (index >= results_.size()) return false;
        row_result& into = results_[index];
        // Not asked of this node in this message, or answered already.
        if (into.chunk != from.chunk || answered(index)) {
            if (!is_rival(from, index)) return false;
            // The other was faster, or will do better.
            if (answered(index) || (from.is_hedge && refuses_record(static_cast<code>(row.header.result_code))))
                continue;
            rivals_[index] = std::exchange(into.chunk, from.chunk);
        }
        const size_t at = static_cast<size_t>(row.ops.data() - base);
        if (at > std::numeric_limits<uint32_t>::max()) return false;
        into.offset = static_cast<uint32_t>(at);
        into.size = static_cast<uint32_t>(row.ops.size());
        into.void_time = row.header.ttl;
        into.op_count = row.header.ops;
        into.code = row.header.result_code;
        into.generation = static_cast<uint16_t>(row.header.generation);
        // A server that timed out may have written or not; so may an earlier attempt, whatever this one says.
        const bool doubtful = from.doubts > 0 || into.code == static_cast<int16_t>(code::timeout);
        if (is_write() && into.code != 0 && doubtful) into.flags |= row_result::in_doubt_flag;
        ++from.answered;
    }
    return any && rows.ok();
}

// The row is asked for by another attempt, which goes on alone.
bool batch_call::left_to_rival(uint32_t row, uint16_t ended) noexcept {
    if (rivals_.empty() || rivals_[row] == no_rival) return false;
    if (results_[row].chunk == ended) results_[row].chunk = rivals_[row];
    if (!planted(planted_bug::rival_kept)) rivals_[row] = no_rival;
    return true;
}

void batch_call::keep_reply(attempt& ended, part& which) {
    recycle(ended.take_request());
    answered_ += ended.answered;
    if (ended.answered > 0) chunks_[ended.chunk] = ended.take_reply();
    if (ended.is_hedge) metrics::count(metrics::event::hedge_won, ended.answered);
    if (ended.answered == which.rows.size())
        which.rows.clear();
    else
        std::erase_if(which.rows, [&](uint32_t row) { return answered(row) || left_to_rival(row, ended.chunk); });
}

bool batch_call::accept(attempt& ended, part& which, error& why) {
    keep_reply(ended, which);
    if (which.rows.empty()) return true;
    why.node = ended.target()->address_text();
    if (refused_compression(ended, static_cast<code>(ended.verdict()), why)) return false;
    if (ended.verdict() != 0) {
        why.what = static_cast<code>(ended.verdict());
        why.text = "Server error: " + std::string(name_of(why.what));
    } else {
        why.what = code::bad_reply;
        why.text = "the node left " + std::to_string(which.rows.size()) + " rows unanswered";
    }
    return false;
}

bool batch_call::salvage(attempt& ended, part& which) {
    keep_reply(ended, which);
    return !which.rows.empty();
}

void batch_call::give_up(part& which, error&& why) {
    if (which.rows.empty()) {  // never planned: all rows that have no answer
        for (uint32_t i = 0; i < results_.size(); ++i)
            if (results_[i].code == row_result::unanswered) which.rows.push_back(i);
    }
    for (const uint32_t row : which.rows) {
        results_[row].code = static_cast<int16_t>(why.what);
        if (why.in_doubt) results_[row].flags |= row_result::in_doubt_flag;
    }
    if (!first_error_)
        first_error_ = std::make_unique<error>(std::move(why));
    else
        first_error_->in_doubt |= why.in_doubt;  // when no row was answered this error stands for all of them
}

// A read is whole or it fails. A write reports row by row what became of it, unless no row was answered at all.
std::unique_ptr<error> batch_call::conclude() {
    if (is_write() && answered_ > 0) return nullptr;
    return std::move(first_error_);
}

batch_reply batch_call::take_reply() {
    batch_reply made;
    made.rows = std::move(results_);
    made.chunks.reserve(chunks_.size());
    for (buffer& chunk : chunks_) made.chunks.push_back(hold(std::move(chunk)));
    chunks_.clear();
    return made;
}

}  // namespace aero::command
