// Input: the data of a batch field, as the server gets it. Rows that can be read are encoded and read again: the same
// rows.
#include "testing/fuzz.h"
#include "wire/batch.h"

using namespace aero;
using namespace aero::wire;

namespace {

byte_view field_of(const request_row& row, field_type wanted) {
    reader from(row.fields);
    for (unsigned i = 0; i < row.field_count; ++i) {
        const field_view field = read_field(from);
        if (field.type == wanted) return field.data;
    }
    FUZZ_CHECK(from.ok() && from.at_end());
    return {};
}

bool same_shape(const request_row& a, const request_row& b) {
    return a.index == b.index && a.key == b.key && a.repeated == b.repeated && a.info1 == b.info1 &&
           a.info2 == b.info2 && a.info3 == b.info3 && a.generation == b.generation && a.ttl == b.ttl &&
           a.op_count == b.op_count && tests::same_bytes(a.ops, b.ops);
}

// False when a row cannot be written: the encoder wants a namespace.
bool write_rows(byte_view field, buffer& to) {
    request_rows rows(field);
    batch_writer writer(to, rows.flags(), 1000, rows.count());
    request_row row;
    bool with_key = false;
    while (rows.next(row)) {
        if (row.repeated && !with_key) {
            writer.repeat(row.index, row.key);
            continue;
        }
        row_template shape;
        shape.name_space = as_text(field_of(row, field_type::name_space));
        if (shape.name_space.empty()) return false;
        shape.set = as_text(field_of(row, field_type::set));
        shape.info1 = row.info1;
        shape.info2 = row.info2;
        shape.info3 = row.info3;
        shape.has_generation = (row.flags & row_flag::has_generation) != 0;
        shape.generation = row.generation;
        shape.ttl = row.ttl;
        shape.filter = field_of(row, field_type::filter);
        shape.ops = row.ops;
        shape.op_count = row.op_count;
        const byte_view key = field_of(row, field_type::key);
        with_key = !key.empty();
        writer.row(row.index, row.key, shape, key);
    }
    if (!rows.ok()) return false;
    writer.finish();
    return true;
}

byte_view batch_field_of(const buffer& message) {
    reader from(message.view());
    from.take(frame_header_size + message_header_size);
    const field_view field = read_field(from);
    FUZZ_CHECK(from.ok() && from.at_end() && field.type == field_type::batch);
    return field.data;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const byte_view field{data, size};
    buffer once, twice;
    if (!write_rows(field, once)) return 0;
    tests::leaves(once.view());
    request_rows original(field), written(batch_field_of(once));
    FUZZ_CHECK(original.count() == written.count() && original.flags() == written.flags());
    request_row a, b;
    while (original.next(a)) {
        FUZZ_CHECK(written.next(b));
        FUZZ_CHECK(same_shape(a, b));
    }
    FUZZ_CHECK(!written.next(b) && written.ok());
    FUZZ_CHECK(write_rows(batch_field_of(once), twice));
    FUZZ_CHECK(tests::same_bytes(once.view(), twice.view()));
    return 0;
}
