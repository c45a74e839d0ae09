#include "command/record_call.h"

#include <cassert>
#include <cstring>

#include "base/buffer_pool.h"
#include "base/planted.h"
#include "command/request_limits.h"
#include "metrics/counters.h"

namespace aero::command {

namespace {

constexpr size_t usual_request = 256;

void set_code(record_reply& reply, const wire::message_header& header) noexcept {
    reply.code = static_cast<code>(header.result_code);
    reply.generation = header.generation;
    reply.void_time = header.ttl;
    reply.op_count = header.ops;
}

}  // namespace

held_bytes hold(buffer&& reply) {
    buffer kept = std::move(reply);
    if (const size_t most = kept.size() + kept.size() / 4 + 256; kept.capacity() > most) {
        buffer exact = take_buffer(kept.size(), most);
        exact.append(kept.view());
        recycle(std::move(kept));
        kept = std::move(exact);
    }
    const size_t size = kept.size(), capacity = kept.capacity();
    return {kept.release(), size, capacity};
}

record_call::~record_call() { recycle(std::move(message_)); }

void record_call::prepare(const record_request& request, const transport_policy& policy) {
    reset(policy, request.is_write);
    digest_ = request.digest;
    answered_ = false;
    given_up_.reset();
    if (std::string flaw = flaw_of(request); !flaw.empty()) return refuse(std::move(flaw));
    if (std::string flaw = flaw_of(policy); !flaw.empty()) return refuse(std::move(flaw));
    if (message_.capacity() == 0) message_ = take_buffer(usual_request + request.ops.size());
    message_.clear();
    wire::message_writer writer(message_);
    const auto field = [&](wire::field_type type, byte_view data, uint32_t* at) {
        writer.field(type, data);
        if (at != nullptr) *at = static_cast<uint32_t>(message_.size() - data.size());
    };
    field(wire::field_type::name_space, as_bytes(request.name_space), &namespace_at_);
    set_at_ = 0;
    if (!request.set.empty()) field(wire::field_type::set, as_bytes(request.set), &set_at_);
    if (!request.key_field.empty()) field(wire::field_type::key, request.key_field, nullptr);
    field(wire::field_type::digest, request.digest, nullptr);
    if (!request.filter.empty()) field(wire::field_type::filter, request.filter, nullptr);
    ops_at_ = static_cast<uint32_t>(message_.size());
    writer.ops(request.op_count).append(request.ops);
    wire::message_header& header = writer.header();
    header.info1 = request.info1;
    // What only writes has nothing to tell that would be worth it.
    if (policy.compress && request.info1 != 0) header.info1 |= wire::info1::compress_response;
    header.info2 = request.info2;
    header.info3 = request.info3;
    header.generation = request.generation;
    header.ttl = request.ttl;
    header.transaction_ttl = smaller_timeout(policy.socket_timeout_ms, policy.total_timeout_ms);
    writer.finish();
    namespace_size_ = static_cast<uint8_t>(request.name_space.size());
    set_size_ = static_cast<uint8_t>(request.set.size());
    op_count_ = request.op_count;
    info1_ = request.info1;
    info2_ = request.info2;
    info3_ = request.info3;
    ttl_ = request.ttl;
    plain_ = request.key_field.empty() && request.filter.empty();
}

row_template record_call::as_row() const noexcept {
    row_template row;
    row.name_space = name_space();
    row.set = text_at(set_at_, set_size_);
    row.info1 = info1_;
    row.info2 = info2_;
    row.info3 = info3_;
    row.ttl = ttl_;
    row.ops = message_.view().subspan(ops_at_);
    row.op_count = op_count_;
    return row;
}

record_reply record_call::reply_of_row(const row_result& row, byte_view ops) {
    record_reply reply;
    reply.code = static_cast<code>(row.code);
    reply.generation = row.generation;
    reply.void_time = row.void_time;
    reply.op_count = row.op_count;
    buffer own(ops.size());  // exactly: its holder may keep it
    own.append(ops);
    reply.bytes = hold(std::move(own));
    reply.ops = reply.bytes.view();
    return reply;
}

std::unique_ptr<call::plan_error> record_call::plan(part& which, const cluster::view& seen, nanos now) {
    const cluster::namespace_map* map = seen.find(name_space());
    if (map == nullptr) return unknown_namespace(name_space(), seen);
    const unsigned partition = wire::partition_of(digest_);
    const uint8_t owner = cluster::route(*map, seen, partition, replica_choice(), which.asked, now);
    if (owner == cluster::no_node)
        return std::make_unique<plan_error>(
            plan_error{false, code::partition_unavailable,
                       "no node owns partition " + std::to_string(partition) + " at the moment"});
    const unsigned owners = is_write() || map->replicas < 2 ? 0 : cluster::replica_count(*map, seen, partition);
    launch(std::make_unique<attempt>(this, seen.nodes[owner].get(), reply_form::message, std::move(message_)), which,
           now, owners);
    const bool elsewhere = owners > 1 && policy().replica != replica_policy::master;
    if (seen.hedging != nullptr && (elsewhere || planted(planted_bug::writes_hedged))) hedge_later(seen, 1, now);
    return nullptr;
}

// While the attempt holds the message that names the namespace.
const cluster::namespace_map* record_call::map_for(const attempt& which, const cluster::view& seen) const noexcept {
    return seen.find(as_text(which.request().subspan(namespace_at_, namespace_size_)));
}

bool record_call::has_another_owner(const attempt& which, const cluster::view& seen) const noexcept {
    const cluster::namespace_map* map = map_for(which, seen);
    return map != nullptr && cluster::replica_count(*map, seen, wire::partition_of(digest_)) > 1;
}

void record_call::ask_beside(const attempt& first, const part& which, const cluster::view& seen, nanos now) {
    const cluster::namespace_map* map = map_for(first, seen);
    if (map == nullptr) return;
    const auto choice = planted(planted_bug::writes_hedged) ? replica_policy::sequence : replica_choice();
    cluster::node* const other =
        rival_of(first, seen, cluster::route(*map, seen, wire::partition_of(digest_), choice, which.asked, 0));
    if (other == nullptr || !hedging_of(seen).admit(1)) return;
    buffer copy = take_buffer(first.request().size());
    copy.append(first.request());
    launch_beside(std::make_unique<attempt>(this, other, reply_form::message, std::move(copy)), which, now);
}

bool record_call::accept(attempt& ended, part& which, error& why) {
    if (!take_answer(ended, which, why)) return rival_goes_on(which);
    if (ended.is_hedge) metrics::count(metrics::event::hedge_won);
    return answered_ = true;
}

bool record_call::take_answer(attempt& ended, const part& which, error& why) {
    message_ = ended.take_request();
    const byte_view whole = ended.reply();
    const byte_view body = whole.subspan(wire::frame_header_size);
    const wire::message_header header = wire::decode_message_header(body.data());
    reader ops(body.subspan(wire::message_header_size));
    wire::skip_fields(ops, header.fields);
    set_code(reply_, header);
    why.node = ended.target()->address_text();
    if (!ops.ok()) {
        why.what = code::bad_reply;
        why.text = "the node's answer has fields that overrun it";
        return false;
    }
    if (refuses_record(reply_.code) || ended.session_over()) {
        why.what = reply_.code;
        why.text = "Server error: " + std::string(name_of(reply_.code));
        return false;
    }
    if (refused_compression(ended, reply_.code, why)) return false;
    if (reply_.code != code::ok) reply_.node = ended.target()->address_text();
    reply_.in_doubt = is_write() && reply_.code != code::ok && which.doubts > 0;
    const size_t ops_at = static_cast<size_t>(ops.position() - whole.data());
    // A record is read at once and let go: its memory is not worth trimming.
    buffer kept = ended.take_reply();
    const size_t size = kept.size(), capacity = kept.capacity();
    reply_.bytes = held_bytes(kept.release(), size, capacity);
    reply_.ops = reply_.bytes.view().subspan(ops_at);
    return true;
}

bool record_call::salvage(attempt& ended, part& which) {
    message_ = ended.take_request();
    return !rival_goes_on(which);
}

void record_call::give_up(part&, error&& why) { given_up_ = std::make_unique<error>(std::move(why)); }

std::unique_ptr<error> record_call::conclude() { return std::move(given_up_); }

}  // namespace aero::command
