#include "ring/parcels.h"

#include <algorithm>

namespace aero_server::parcels {

using aero::buffer;
using aero::byte_view;
using aero::reader;

namespace {

void begin(buffer& to, kind what) { to.append_u8(static_cast<uint8_t>(what)); }

void append_origin(buffer& to, const origin& by) {
    to.append_u8(by.node);
    to.append_u8(by.namespace_index);
    to.append_be(by.sequence);
}

void append_bytes(buffer& to, byte_view bytes) {
    to.append_be(static_cast<uint32_t>(bytes.size()));
    to.append(bytes);
}
byte_view read_bytes(reader& from) { return from.take(from.be<uint32_t>()); }

// The yes-or-no members of a request, in this order.
constexpr bool record_request::* switches[] = {&record_request::batch_row,      &record_request::has_namespace,
                                               &record_request::has_digest,     &record_request::has_key,
                                               &record_request::has_filter,     &record_request::has_udf,
                                               &record_request::has_transaction};

}  // namespace

void append_text(buffer& to, std::string_view text) {
    to.append_u8(static_cast<uint8_t>(text.size()));
    to.append(text);
}
std::string_view read_text(reader& from) { return from.text(from.u8()); }

void append_record(buffer& to, const record& state) {
    to.append(byte_view(state.key));
    to.append_be(state.generation);
    to.append_be(state.bin_count);
    to.append_be(state.void_time);
    to.append_be(state.last_update_ms);
    append_text(to, state.set == nullptr ? std::string_view{} : std::string_view(state.set->name));
    append_bytes(to, state.stored_key());
    append_bytes(to, state.bins());
}

record_ptr read_record(reader& from, store& into) {
    if (from.at_end()) return nullptr;
    aero::wire::digest key{};
    const byte_view key_bytes = from.take(key.size());
    const auto generation = from.be<uint16_t>();
    const auto bin_count = from.be<uint16_t>();
    const auto void_time = from.be<uint32_t>();
    const auto last_update_ms = from.be<uint64_t>();
    const std::string_view set = read_text(from);
    const byte_view stored_key = read_bytes(from);
    const byte_view bins = read_bytes(from);
    reader each(bins);
    aero::wire::skip_ops(each, bin_count);
    if (!each.ok() || !each.at_end()) from.fail();
    if (!from.ok()) return nullptr;
    std::copy(key_bytes.begin(), key_bytes.end(), key.begin());
    record_ptr made = make_record(key, stored_key.size(), bins.size());
    std::copy(stored_key.begin(), stored_key.end(), made->data());
    std::copy(bins.begin(), bins.end(), made->data() + stored_key.size());
    made->generation = generation;
    made->bin_count = bin_count;
    made->void_time = void_time;
    made->last_update_ms = last_update_ms;
    if (!set.empty()) made->set = into.sets().find_or_make(set);
    return made;
}

void write_replica(buffer& to, const origin& by, const record& state) {
    begin(to, kind::replica);
    append_origin(to, by);
    append_record(to, state);
}

void write_drop(buffer& to, const origin& by, const aero::wire::digest& key) {
    begin(to, kind::drop);
    append_origin(to, by);
    to.append(byte_view(key));
}

void begin_copy(buffer& to, const origin& by, unsigned partition, bool first) {
    begin(to, kind::copy);
    append_origin(to, by);
    to.append_be(static_cast<uint16_t>(partition));
    to.append_u8(first);
}

origin read_origin(reader& from) {
    origin by;
    by.node = from.u8();
    by.namespace_index = from.u8();
    by.sequence = from.be<uint64_t>();
    return by;
}

void write_request(buffer& to, const record_request& request) {
    begin(to, kind::execute);
    for (const uint8_t info : {request.info1, request.info2, request.info3, request.info4}) to.append_u8(info);
    uint8_t bits = 0;
    for (size_t i = 0; i < std::size(switches); ++i)
        bits = static_cast<uint8_t>(bits | (request.*switches[i] ? 1u << i : 0u));
    to.append_u8(bits);
    to.append_be(request.op_count);
    for (const uint32_t number : {request.row_index, request.generation, request.ttl, request.timeout_ms})
        to.append_be(number);
    to.append(byte_view(request.key));
    append_bytes(to, aero::as_bytes(request.name_space));
    append_bytes(to, aero::as_bytes(request.set));
    append_bytes(to, request.stored_key);
    append_bytes(to, request.ops);
}

std::optional<record_request> read_request(reader from) {
    record_request request;
    for (uint8_t* info : {&request.info1, &request.info2, &request.info3, &request.info4}) *info = from.u8();
    const uint8_t bits = from.u8();
    for (size_t i = 0; i < std::size(switches); ++i) request.*switches[i] = (bits >> i & 1u) != 0;
    request.op_count = from.be<uint16_t>();
    for (uint32_t* number : {&request.row_index, &request.generation, &request.ttl, &request.timeout_ms})
        *number = from.be<uint32_t>();
    const byte_view key = from.take(request.key.size());
    std::copy(key.begin(), key.end(), request.key.begin());
    request.name_space = aero::as_text(read_bytes(from));
    request.set = aero::as_text(read_bytes(from));
    request.stored_key = read_bytes(from);
    request.ops = read_bytes(from);
    if (!from.ok() || !from.at_end()) return std::nullopt;
    return request;
}

void write_answer(buffer& to, const answer& what, byte_view reply) {
    to.append_u8(static_cast<uint8_t>(what.is));
    to.append_u8(what.master);
    to.append_be(static_cast<int16_t>(what.what));
    to.append(reply);
}

answer read_answer(byte_view told, buffer& reply) {
    reader from(told);
    const uint8_t is = from.u8();
    answer found;
    found.master = from.u8();
    found.what = static_cast<aero::code>(from.be<int16_t>());
    if (!from.ok() || is > static_cast<uint8_t>(answer::kind::lost)) return {answer::kind::lost};
    found.is = static_cast<answer::kind>(is);
    if (found.is == answer::kind::done) reply.append(from.take(from.remaining()));
    return found;
}

void confirm(buffer& to, bool done) { to.append_u8(done); }
bool read_confirmation(byte_view told) { return told.size() == 1 && told[0] == 1; }

}  // namespace aero_server::parcels
