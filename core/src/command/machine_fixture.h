// For tests of the call machines: a cluster view made by hand, requests, and the replies a node would give.
#pragma once

#include <algorithm>

#include "cluster/view.h"
#include "command/call.h"
#include "wire/batch.h"

namespace aero::command::testing {

inline constexpr nanos ms = 1'000'000;

inline io::endpoint somewhere(uint16_t port) {
    auto made = io::numeric_endpoint("127.0.0.1", port);
    return *made;
}

// `nodes` nodes; partition p belongs to node p mod nodes, its replica to the next one.
inline cluster::view_ptr view_of(unsigned nodes, unsigned replicas, std::vector<int> racks = {},
                                 std::vector<int> preferred = {}) {
    auto made = std::make_shared<cluster::view>();
    made->preferred_racks = std::move(preferred);
    made->version = 1;
    for (unsigned i = 0; i < nodes; ++i)
        made->nodes.push_back(
            std::make_shared<cluster::node>("A" + std::to_string(i), somewhere(static_cast<uint16_t>(4000 + i))));
    auto map = std::make_unique<cluster::namespace_map>();
    map->name = "test";
    map->replicas = static_cast<uint8_t>(replicas);
    map->racks = std::move(racks);
    for (unsigned r = 0; r < cluster::replicas_max; ++r)
        for (unsigned p = 0; p < wire::partitions; ++p)
            map->owners[r][p] = r < replicas ? static_cast<uint8_t>((p + r) % nodes) : cluster::no_node;
    made->namespaces.push_back(std::move(map));
    return made;
}

// The same, and every read may ask two replicas, after 10 ms.
inline cluster::view_ptr hedging_view(unsigned nodes = 3, unsigned replicas = 2, double share = 1) {
    const cluster::view_ptr made = view_of(nodes, replicas);
    std::const_pointer_cast<cluster::view>(made)->hedging =
        std::make_shared<cluster::client_hedging>(hedge_config{.after_ms = 10, .share = share});
    return made;
}

inline digest key_digest(unsigned i) {
    const std::string key = "key_" + std::to_string(i);
    return wire::digest_of({.set = "demo", .type = wire::particle::string, .value = as_bytes(key)});
}

// A record message with a result and one integer bin.
inline buffer record_answer(uint8_t result, int64_t bin_value) {
    buffer made;
    wire::message_writer writer(made);
    writer.header().result_code = result;
    writer.header().generation = 3;
    if (result == 0) {
        uint8_t value[8];
        store_be(value, bin_value);
        wire::append_op(writer.ops(1), wire::op_code::read, wire::particle::integer, "a", value);
    }
    writer.finish();
    return made;
}

// One row of a batch reply: index, result.
struct answer_row {
    uint32_t index;
    uint8_t result = 0;
};
inline void append_rows(buffer& to, std::span<const answer_row> rows) {
    const size_t start = to.size();
    to.commit((to.room(wire::frame_header_size), wire::frame_header_size));
    for (const answer_row& row : rows) {
        uint8_t header[wire::message_header_size];
        wire::encode_message_header(header, {.result_code = row.result,
                                             .generation = 1,
                                             .transaction_ttl = row.index,
                                             .ops = static_cast<uint16_t>(row.result == 0 ? 1 : 0)});
        to.append(header);
        if (row.result != 0) continue;
        uint8_t value[8];
        store_be(value, int64_t{row.index});
        wire::append_op(to, wire::op_code::read, wire::particle::integer, "a", value);
    }
    wire::encode_frame_header(to.data() + start, wire::frame_type::message,
                              to.size() - start - wire::frame_header_size);
}
inline void append_last(buffer& to, uint8_t verdict = 0) {
    uint8_t bytes[wire::frame_header_size + wire::message_header_size];
    wire::encode_frame_header(bytes, wire::frame_type::message, wire::message_header_size);
    wire::encode_message_header(bytes + wire::frame_header_size, {.info3 = wire::info3::last, .result_code = verdict});
    to.append(bytes);
}

// Carries out an attempt's sending, then hands it `reply` in pieces of `step` bytes.
inline void answer(attempt& which, byte_view reply, nanos now, size_t step = SIZE_MAX) {
    action next = which.resume({.what = event::kind::start}, now);
    while (next.what == action::kind::send)
        next = which.resume({.what = event::kind::sent, .bytes = next.output.size()}, now);
    while (next.what == action::kind::receive && !reply.empty()) {
        const size_t count = std::min({step, reply.size(), next.input.size()});
        std::copy_n(reply.begin(), count, next.input.begin());
        reply = reply.subspan(count);
        next = which.resume({.what = event::kind::received, .bytes = count}, now);
    }
}
inline void send_only(attempt& which, nanos now) {
    action next = which.resume({.what = event::kind::start}, now);
    while (next.what == action::kind::send)
        next = which.resume({.what = event::kind::sent, .bytes = next.output.size()}, now);
}

}  // namespace aero::command::testing
