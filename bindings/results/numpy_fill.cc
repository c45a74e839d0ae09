#include "results/numpy_fill.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/reader.h"
#include "convert/bin_names.h"
#include "results/half.h"
#include "wire/message.h"

namespace aero::py {

namespace {

using wire::particle;
using what = fill_problem::what;

template <class Number>
void store(uint8_t* to, Number value, bool swapped) noexcept {
    if (swapped) value = std::byteswap(value);
    std::memcpy(to, &value, sizeof value);
}

void store_integer(const dtype_field& field, uint8_t* to, int64_t value) noexcept {
    switch (field.width) {
        case 1: *to = static_cast<uint8_t>(value); break;
        case 2: store(to, static_cast<uint16_t>(value), field.swapped); break;
        case 4: store(to, static_cast<uint32_t>(value), field.swapped); break;
        default: store(to, static_cast<uint64_t>(value), field.swapped); break;
    }
}

void store_floating(const dtype_field& field, uint8_t* to, double value) noexcept {
    switch (field.width) {
        case 2: store(to, half_from(value), field.swapped); break;
        case 4: store(to, std::bit_cast<uint32_t>(static_cast<float>(value)), field.swapped); break;
        default: store(to, std::bit_cast<uint64_t>(value), field.swapped); break;
    }
}

// Cut towards zero; numbers that no int64 holds become the nearest one, what is not a number 0.
int64_t truncated(double value) noexcept {
    if (std::isnan(value)) return 0;
    if (value >= 0x1p63) return std::numeric_limits<int64_t>::max();
    if (value < -0x1p63) return std::numeric_limits<int64_t>::min();
    return static_cast<int64_t>(value);
}

void store_number(const dtype_field& field, uint8_t* to, int64_t value) noexcept {
    if (field.kind == field_kind::floating) {
        store_floating(field, to, static_cast<double>(value));
    } else {
        store_integer(field, to, value);
    }
}

bool is_number(const dtype_field& field) noexcept { return field.kind < field_kind::text; }

// Copies one value; a null leaves the zeros.
what store_value(const dtype_field& field, uint8_t* row, particle type, byte_view value) noexcept {
    uint8_t* const to = row + field.offset;
    switch (type) {
        case particle::null: return what::none;
        case particle::integer:
            if (value.size() != 8) return what::bad_bytes;
            if (!is_number(field)) return what::misfit;
            return store_number(field, to, load_be<int64_t>(value.data())), what::none;
        case particle::boolean:
            if (value.size() != 1) return what::bad_bytes;
            if (!is_number(field)) return what::misfit;
            return store_number(field, to, value[0] != 0), what::none;
        case particle::floating: {
            if (value.size() != 8) return what::bad_bytes;
            if (!is_number(field)) return what::misfit;
            const auto number = std::bit_cast<double>(load_be<uint64_t>(value.data()));
            if (field.kind == field_kind::floating) return store_floating(field, to, number), what::none;
            return store_integer(field, to, truncated(number)), what::none;
        }
        case particle::string:
        case particle::blob:
        case particle::hll:
        case particle::vector:
            if (is_number(field)) return what::misfit;
            if (!value.empty()) std::memcpy(to, value.data(), std::min(value.size(), field.width));
            return what::none;
        case particle::list:
        case particle::map:
        case particle::geojson: return what::misfit;
        default: return what::unreadable;
    }
}

// Which field a bin goes to. Rows of one set have equal bins in equal order, so each place remembers its bin and field.
class field_finder {
  public:
    explicit field_finder(const dtype_layout& layout) noexcept : layout_(layout) {}

    const dtype_field* find(unsigned place, std::string_view name) noexcept {
        if (place >= places || name.size() > wire::bin_name_size_max) return search(name);
        remembered& last = places_[place];
        if (last.size != name.size() || !same_short_bytes(last.name, name.data(), name.size())) {
            last.size = static_cast<uint8_t>(name.size());
            std::memcpy(last.name, name.data(), name.size());
            last.field = search(name);
        }
        return last.field;
    }

  private:
    static constexpr unsigned places = 64;
    struct remembered {
        const dtype_field* field = nullptr;
        uint8_t size = 255;  // no bin yet
        char name[wire::bin_name_size_max];
    };

    const dtype_field* search(std::string_view name) const noexcept {
        for (const dtype_field& field : layout_.fields) {
            if (field.name == name) return &field;
        }
        return nullptr;
    }

    const dtype_layout& layout_;
    std::array<remembered, places> places_{};
};

fill_problem fill_row(const batch_reply& reply, size_t index, field_finder& finder, uint8_t* to) noexcept {
    const row_result& row = reply.rows[index];
    reader from(reply.ops_of(row));
    for (unsigned place = 0; place < row.op_count; ++place) {
        const wire::op_view op = wire::read_op(from);
        if (!from.ok()) return {what::bad_bytes, index, nullptr, particle::null};
        const dtype_field* const field = finder.find(place, op.name);
        if (field == nullptr) continue;
        const what problem = store_value(*field, to, op.type, op.value);
        if (problem != what::none) return {problem, index, field, op.type};
    }
    return {};
}

}  // namespace

fill_problem fill_arrays(const batch_reply& reply, const dtype_layout& layout, const fill_target& to,
                         int64_t now_s) noexcept {
    field_finder finder(layout);
    for (size_t index = 0; index < reply.rows.size(); ++index) {
        const row_result& row = reply.rows[index];
        to.codes[index] = row.code;
        if (!row.ok()) continue;
        to.meta[2 * index] = row.generation;
        to.meta[2 * index + 1] = wire::ttl_from_void_time(row.void_time, now_s);
        if (row.op_count == 0) continue;
        const fill_problem problem = fill_row(reply, index, finder, to.rows + index * layout.row_size);
        if (problem.kind != what::none) return problem;
    }
    return {};
}

}  // namespace aero::py
