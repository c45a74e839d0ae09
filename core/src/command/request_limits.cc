#include "command/request_limits.h"

#include <algorithm>

#include "wire/batch.h"
#include "wire/compression.h"
#include "wire/protocol.h"

namespace aero::command {

namespace {

constexpr size_t field_head_size = 5;  // length and type of a field

constexpr size_t field_size(size_t data) noexcept { return field_head_size + data; }
constexpr size_t optional_field_size(size_t data) noexcept { return data == 0 ? 0 : field_size(data); }

std::string bad_name(std::string_view what, std::string_view name, size_t limit) {
    constexpr size_t shown_max = 80;
    std::string text(what);
    text.append(" '").append(name.substr(0, shown_max)).append(name.size() > shown_max ? "...'" : "'");
    text += " has " + std::to_string(name.size()) + " bytes, more than the " + std::to_string(limit) +
            " that a name may have: choose a shorter one";
    return text;
}

std::string flaw_of_names(std::string_view name_space, std::string_view set) {
    if (name_space.size() > wire::namespace_size_max)
        return bad_name("namespace", name_space, wire::namespace_size_max);
    if (set.size() > wire::set_size_max) return bad_name("set", set, wire::set_size_max);
    return {};
}

std::string too_large(std::string_view what, size_t size, std::string_view advice) {
    std::string text(what);
    text += " takes " + std::to_string(size) + " bytes, more than the " + std::to_string(wire::body_size_max) +
            " (128 MiB) that a message may have: ";
    return text.append(advice);
}

std::string flaw_of_ops(uint16_t count) {
    if (count <= wire::ops_max) return {};
    return std::to_string(count) + " operations, more than the " + std::to_string(wire::ops_max) +
           " that one request may have: make several requests of it";
}

size_t size_of_rows(const batch_request& request) {
    size_t size = 0;
    uint32_t repeatable = UINT32_MAX;
    for (size_t row = 0; row < request.digests.size(); ++row) {
        const size_t key = request.key_fields.empty() ? 0 : request.key_fields[row].size();
        const uint32_t shape = request.template_of.empty() ? 0 : request.template_of[row];
        const bool repeats = shape == repeatable && key == 0;
        size +=
            repeats ? wire::repeat_row_size : wire::batch_row_size(request.templates[shape]) + optional_field_size(key);
        repeatable = key == 0 ? shape : UINT32_MAX;
    }
    return size;
}

}  // namespace

std::string flaw_of(const record_request& request) {
    if (std::string flaw = flaw_of_names(request.name_space, request.set); !flaw.empty()) return flaw;
    if (std::string flaw = flaw_of_ops(request.op_count); !flaw.empty()) return flaw;
    const size_t size = wire::message_header_size + field_size(request.name_space.size()) +
                        optional_field_size(request.set.size()) + optional_field_size(request.key_field.size()) +
                        field_size(wire::digest_size) + optional_field_size(request.filter.size()) + request.ops.size();
    if (size <= wire::body_size_max) return {};
    return too_large("the request", size, "keep the data in several records");
}

std::string flaw_of(const batch_request& request) {
    size_t largest = 0;
    for (const row_template& shape : request.templates) {
        if (std::string flaw = flaw_of_names(shape.name_space, shape.set); !flaw.empty()) return flaw;
        if (std::string flaw = flaw_of_ops(shape.op_count); !flaw.empty()) return flaw;
        largest = std::max(largest, wire::batch_row_size(shape));
    }
    // As if one node had to serve all rows: what may be asked must not depend on how the cluster is laid out.
    const size_t head = wire::message_header_size + wire::batch_head_size + optional_field_size(request.filter.size());
    if (request.key_fields.empty() && head + request.digests.size() * largest <= wire::body_size_max) return {};
    const size_t size = head + size_of_rows(request);
    if (size <= wire::body_size_max) return {};
    return too_large("the batch of " + std::to_string(request.digests.size()) + " rows", size,
                     "make several smaller batches of it");
}

std::string flaw_of(const transport_policy& policy) {
    if (!policy.compress || wire::can_compress()) return {};
    return "the policy's compress wants zlib, which this library was built without: build it where zlib's headers are";
}

}  // namespace aero::command
