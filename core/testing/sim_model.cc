#include "testing/sim_model.h"

#include <algorithm>

#include "testing/sim_packing.h"
#include "wire/batch.h"
#include "wire/message.h"

namespace aero::tests {
namespace {

sim_asked read_ops(const digest& key, bool writes, byte_view ops, unsigned count) {
    sim_asked made{.key = key, .writes = writes};
    reader from(ops);
    for (unsigned i = 0; i < count; ++i) {
        const wire::op_view op = wire::read_op(from);
        if (op.value.size() == 8) made.value = load_be<uint64_t>(op.value.data());
    }
    return made;
}

}  // namespace

bool read_request(byte_view body, const std::function<void(const sim_asked&, uint32_t)>& each) {
    const wire::message_header header = wire::decode_message_header(body.data());
    reader from(body.subspan(wire::message_header_size));
    digest key{};
    for (unsigned i = 0; i < header.fields; ++i) {
        const wire::field_view field = wire::read_field(from);
        if (field.type == wire::field_type::batch || field.type == wire::field_type::batch_with_sets) {
            wire::request_rows rows(field.data);
            wire::request_row row;
            while (rows.next(row))
                each(read_ops(row.key, (row.info2 & wire::info2::write) != 0, row.ops, row.op_count), row.index);
            return true;
        }
        if (field.type == wire::field_type::digest) std::copy_n(field.data.begin(), key.size(), key.begin());
    }
    each(read_ops(key, (header.info2 & wire::info2::write) != 0, from.take(from.remaining()), header.ops), 0);
    return false;
}

void sim_model::apply(const digest& key, uint64_t value, nanos when) {
    history_[key].push_back({when, value});
    applied_.emplace(value, when);
}

std::optional<uint64_t> sim_model::current(const digest& key) const {
    const auto found = history_.find(key);
    if (found == history_.end()) return std::nullopt;
    return found->second.back().value;
}

bool sim_model::could_be_seen(const digest& key, std::optional<uint64_t> value, nanos from, nanos until) const {
    const auto found = history_.find(key);
    if (found == history_.end()) return !value;
    std::optional<uint64_t> standing;
    for (const change& each : found->second) {
        if (each.when > from && standing == value) return true;
        if (each.when > until) return false;
        standing = each.value;
    }
    return standing == value;
}

void sim_model::note_request(byte_view request) {
    const auto header = wire::decode_frame_header(request.data());
    std::optional<buffer> inside;
    if (header && header->type == wire::frame_type::compressed && (inside = unpacked_frame(request)))
        request = inside->view();
    else if (!header || header->type != wire::frame_type::message)
        return;
    read_request(request.subspan(wire::frame_header_size), [&](const sim_asked& what, uint32_t) {
        if (what.writes) ++sent_[what.value];
    });
}

unsigned sim_model::times_refused(uint64_t value) const {
    const auto found = refused_.find(value);
    return found == refused_.end() ? 0 : found->second;
}

unsigned sim_model::times_sent(uint64_t value) const {
    const auto found = sent_.find(value);
    return found == sent_.end() ? 0 : found->second;
}

}  // namespace aero::tests
