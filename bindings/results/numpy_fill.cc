#include "results/numpy_fill.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/reader.h"
#include "base/short_bytes.h"
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

bool is_integer(const dtype_field& field) noexcept { return field.kind < field_kind::floating; }
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

// How the value of a bin gets into its field.
enum class way : uint8_t {
    none,     // there is no field of that name
    swap8,    // an integer into an int64, a float into a float64: eight bytes, reversed
    copy,     // text and bytes
    general,  // everything that needs a look at the value
};

// The head of an operation as it stands on the wire: size, code, particle type, flags and size of the name.
constexpr size_t head_size = 8;

// What was done with the bin at one place of a row. Rows of one set have equal bins in equal order, so the same is done
// in the next row without looking anything up when head and name come again.
struct step {
    uint64_t head = 0;  // no operation has a head of zeros
    const dtype_field* field = nullptr;
    size_t value_at = 0;  // within the operation
    size_t value_size = 0;
    way how = way::none;
    char name[wire::bin_name_size_max];

    bool repeats(uint64_t next_head, const uint8_t* op) const noexcept {
        return next_head == head && same_short_bytes(op + head_size, name, value_at - head_size);
    }
};

class row_filler {
  public:
    explicit row_filler(const dtype_layout& layout) noexcept : layout_(layout) {}

    // Copies the values of a row into `to`. The row of a problem is left to the caller.
    fill_problem fill(byte_view ops, unsigned count, uint8_t* to) noexcept {
        reader from(ops);
        for (unsigned place = 0; place < count; ++place) {
            if (place < places && from.remaining() >= head_size) {
                const step& known = steps_[place];
                const auto head = short_bytes::word_at<uint64_t>(from.position());
                if (known.value_at + known.value_size <= from.remaining() && known.repeats(head, from.position())) {
                    const fill_problem problem = repeat(known, from.position(), to);
                    if (problem.kind != what::none) return problem;
                    from.go_on_at(from.position() + known.value_at + known.value_size);
                    continue;
                }
            }
            const fill_problem problem = first(place, from, to);
            if (problem.kind != what::none) return problem;
        }
        return {};
    }

  private:
    static constexpr unsigned places = 64;

    static fill_problem repeat(const step& known, const uint8_t* op, uint8_t* to) noexcept {
        const uint8_t* const value = op + known.value_at;
        switch (known.how) {
            case way::none: break;
            case way::swap8: store(to + known.field->offset, load_be<uint64_t>(value), false); break;
            case way::copy:
                copy_bytes(to + known.field->offset, value, std::min(known.value_size, known.field->width));
                break;
            case way::general: {
                const auto type = static_cast<particle>(op[5]);
                const what problem = store_value(*known.field, to, type, {value, known.value_size});
                if (problem != what::none) return {problem, 0, known.field, type};
            }
        }
        return {};
    }

    // An operation unlike the one at this place before: looked up, copied and remembered.
    fill_problem first(unsigned place, reader& from, uint8_t* to) noexcept {
        const uint8_t* const start = from.position();
        const wire::op_view op = wire::read_op(from);
        if (!from.ok()) return {what::bad_bytes, 0, nullptr, particle::null};
        const dtype_field* const field = search(op.name);
        if (place < places && op.name.size() <= wire::bin_name_size_max) remember(steps_[place], start, op, field);
        if (field == nullptr) return {};
        const what problem = store_value(*field, to, op.type, op.value);
        return {problem, 0, field, op.type};
    }

    static void remember(step& to, const uint8_t* start, const wire::op_view& op, const dtype_field* field) noexcept {
        to.head = short_bytes::word_at<uint64_t>(start);
        to.field = field;
        to.value_at = head_size + op.name.size();
        to.value_size = op.value.size();
        to.how = field == nullptr ? way::none : way_of(*field, op);
        std::memcpy(to.name, op.name.data(), op.name.size());
    }

    static way way_of(const dtype_field& field, const wire::op_view& op) noexcept {
        const bool plain8 = field.width == 8 && !field.swapped && op.value.size() == 8;
        if (op.type == particle::integer && plain8 && is_integer(field)) return way::swap8;
        if (op.type == particle::floating && plain8 && field.kind == field_kind::floating) return way::swap8;
        const bool bytes = op.type == particle::string || op.type == particle::blob;
        return bytes && !is_number(field) ? way::copy : way::general;
    }

    const dtype_field* search(std::string_view name) const noexcept {
        for (const dtype_field& field : layout_.fields) {
            if (field.name == name) return &field;
        }
        return nullptr;
    }

    const dtype_layout& layout_;
    std::array<step, places> steps_{};
};

}  // namespace

fill_problem fill_arrays(const batch_reply& reply, const dtype_layout& layout, const fill_target& to,
                         int64_t now_s) noexcept {
    row_filler filler(layout);
    for (size_t index = 0; index < reply.rows.size(); ++index) {
        const row_result& row = reply.rows[index];
        to.codes[index] = row.code;
        if (!row.ok()) continue;
        to.meta[2 * index] = row.generation;
        to.meta[2 * index + 1] = wire::ttl_from_void_time(row.void_time, now_s);
        if (row.op_count == 0) continue;
        fill_problem problem = filler.fill(reply.ops_of(row), row.op_count, to.rows + index * layout.row_size);
        if (problem.kind == what::none) continue;
        problem.row = index;
        return problem;
    }
    return {};
}

}  // namespace aero::py
