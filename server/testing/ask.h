// Requests for tests, spelt as a client would send them, and replies taken apart. Used by tests only; one thread each.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "serve/engine.h"
#include "wire/batch.h"

namespace aero_server::testing {

using aero::buffer;
using aero::byte_view;
namespace wire = aero::wire;

// A digest that falls into a given partition; `number` tells digests of one partition apart.
inline wire::digest key_in(unsigned partition, uint32_t number = 0) {
    wire::digest key{};
    key[0] = static_cast<uint8_t>(partition);
    key[1] = static_cast<uint8_t>(partition >> 8);
    aero::store_be(key.data() + 8, number);
    aero::store_be(key.data() + 4, number * 2654435761u);
    return key;
}

inline std::string integer(uint64_t value) {
    std::string bytes(8, '\0');
    aero::store_be(reinterpret_cast<uint8_t*>(bytes.data()), value);
    return bytes;
}

// One request in the making: `ask(key).write().op(op_code::write, particle::integer, "a", integer(1))`.
class ask {
  public:
    explicit ask(const wire::digest& key) {
        request_.key = key;
        request_.has_digest = request_.has_namespace = true;
        request_.name_space = "test";
        request_.set = "users";
    }
    ask& read(uint8_t more = 0) { return request_.info1 |= wire::info1::read | more, *this; }
    ask& read_all() { return read(wire::info1::get_all); }
    ask& write(uint8_t info2 = 0, uint8_t info3 = 0) {
        request_.info2 |= wire::info2::write | info2;
        request_.info3 |= info3;
        return *this;
    }
    ask& op(wire::op_code code, wire::particle type = wire::particle::null, std::string_view name = {},
            std::string_view value = {}) {
        wire::append_op(ops_, code, type, name, aero::as_bytes(value));
        ++request_.op_count;
        return *this;
    }
    ask& put(std::string_view name, uint64_t value) {
        return op(wire::op_code::write, wire::particle::integer, name, integer(value));
    }
    ask& generation(uint32_t expected) { return request_.generation = expected, *this; }
    ask& ttl(uint32_t seconds) { return request_.ttl = seconds, *this; }
    ask& set(std::string_view name) { return request_.set = name, *this; }
    ask& name_space(std::string_view name) { return request_.name_space = name, *this; }
    ask& filter() { return request_.has_filter = true, *this; }
    ask& stored_key(std::string_view type_and_value) {
        request_.has_key = true;
        request_.stored_key = aero::as_bytes(type_and_value);
        return *this;
    }
    const record_request& request() {
        request_.ops = ops_.view();
        return request_;
    }
    // The same as a whole frame.
    buffer frame(uint8_t more_info1 = 0) {
        buffer to;
        wire::message_writer message(to);
        message.header().info1 = request_.info1 | more_info1;
        message.header().info2 = request_.info2;
        message.header().info3 = request_.info3;
        message.header().generation = request_.generation;
        message.header().ttl = request_.ttl;
        message.field(wire::field_type::name_space, request_.name_space);
        message.field(wire::field_type::set, request_.set);
        message.field(wire::field_type::digest, byte_view(request_.key));
        message.ops(request_.op_count).append(ops_.view());
        message.finish();
        return to;
    }

  private:
    record_request request_;
    buffer ops_;
};

struct told_op {
    wire::op_code code;
    wire::particle type;
    std::string name;
    std::string value;
    bool operator==(const told_op&) const = default;
};
// A reply, or a row of one.
struct told {
    unsigned code = 0;
    uint32_t generation = 0;
    uint32_t void_time = 0;
    uint32_t row = 0;
    uint8_t info3 = 0;
    std::vector<told_op> ops;

    // Integers by bin name; what else there is shows as 0xBAD.
    std::map<std::string, uint64_t> integers() const {
        std::map<std::string, uint64_t> found;
        for (const told_op& op : ops)
            found[op.name] = op.type == wire::particle::integer
                                 ? aero::load_be<uint64_t>(reinterpret_cast<const uint8_t*>(op.value.data()))
                                 : 0xBAD;
        return found;
    }
};

inline std::vector<told> read_rows(byte_view body) {
    std::vector<told> rows;
    wire::reply_rows from(body);
    wire::reply_row row;
    while (from.next(row)) {
        told t{row.header.result_code,     row.header.generation, row.header.ttl,
               row.header.transaction_ttl, row.header.info3,      {}};
        aero::reader ops(row.ops);
        for (unsigned i = 0; i < row.header.ops; ++i) {
            const wire::op_view op = wire::read_op(ops);
            t.ops.push_back({op.code, op.type, std::string(op.name), std::string(aero::as_text(op.value))});
        }
        rows.push_back(std::move(t));
    }
    return rows;
}

inline told run(engine& node, ask& what) {
    buffer to;
    waiting so_far;
    while (!node.execute(what.request(), to, so_far)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return read_rows(to.view()).at(0);
}
inline told run(engine& node, ask&& what) { return run(node, what); }

// The bodies of the frames that stand in `bytes`.
inline std::vector<byte_view> frames_of(byte_view bytes) {
    std::vector<byte_view> bodies;
    while (bytes.size() >= wire::frame_header_size) {
        const auto header = wire::decode_frame_header(bytes.data());
        if (!header || bytes.size() < wire::frame_header_size + header->body_size) break;
        bodies.push_back(bytes.subspan(wire::frame_header_size, header->body_size));
        bytes = bytes.subspan(wire::frame_header_size + header->body_size);
    }
    return bodies;
}

}  // namespace aero_server::testing
