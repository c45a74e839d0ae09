#include "ops/bins.h"

namespace aero_server {

namespace wire = aero::wire;
using aero::reader;

void bin_table::load(const record& from) {
    reader at(from.bins());
    bins_.clear();
    for (unsigned i = 0; i < from.bin_count; ++i) {
        const wire::op_view op = wire::read_op(at);
        bins_.push_back({op.name, op.type, op.value});
    }
}

bin* bin_table::find(std::string_view name) noexcept {
    for (bin& b : bins_)
        if (b.name == name) return &b;
    return nullptr;
}

bin& bin_table::find_or_add(std::string_view name) {
    if (bin* found = find(name)) return *found;
    bins_.push_back({name, wire::particle::null, {}});
    return bins_.back();
}

void bin_table::erase(std::string_view name) noexcept {
    bin* found = find(name);
    if (found == nullptr) return;
    *found = bins_.back();
    bins_.pop_back();
}

size_t bin_table::wire_size() const noexcept {
    size_t size = 0;
    for (const bin& b : bins_) size += 8 + b.name.size() + b.value.size();
    return size;
}

void bin_table::write(uint8_t* to) const noexcept {
    for (const bin& b : bins_) {
        aero::store_be(to, static_cast<uint32_t>(4 + b.name.size() + b.value.size()));
        to[4] = static_cast<uint8_t>(wire::op_code::read);
        to[5] = static_cast<uint8_t>(b.type);
        to[6] = 0;
        to[7] = static_cast<uint8_t>(b.name.size());
        to += 8;
        if (!b.name.empty()) std::memcpy(to, b.name.data(), b.name.size());
        to += b.name.size();
        if (!b.value.empty()) std::memcpy(to, b.value.data(), b.value.size());
        to += b.value.size();
    }
}

size_t bin_table::storage_size() const noexcept {
    size_t size = 0;
    for (const bin& b : bins_) {
        const bool fixed = b.type == wire::particle::integer || b.type == wire::particle::floating ||
                           b.type == wire::particle::boolean;
        size += 1 + b.name.size() + (fixed ? 2 : 5) + b.value.size();
    }
    return size;
}

found_bin find_bin(const record& in, std::string_view name) noexcept {
    reader at(in.bins());
    for (unsigned i = 0; i < in.bin_count; ++i) {
        const wire::op_view op = wire::read_op(at);
        if (op.name == name) return {true, {op.name, op.type, op.value}};
    }
    return {};
}

}  // namespace aero_server
