// Input: the body of a reply, rows back to back. What can be read lies inside the input and is written again.
#include "testing/fuzz.h"
#include "wire/batch.h"

using namespace aero;
using namespace aero::wire;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const byte_view body{data, size};
    reply_rows rows(body);
    reply_row row;
    buffer written;
    size_t begin = 0;
    while (rows.next(row)) {
        begin = written.size();
        encode_message_header(written.room(message_header_size), row.header);
        written.commit(message_header_size);
        written.append(row.fields);
        written.append(row.ops);
        FUZZ_CHECK(written.size() <= size);
        FUZZ_CHECK(
            tests::same_bytes(written.view().subspan(begin + 1), body.subspan(begin + 1, written.size() - begin - 1)));
        reader ops(row.ops);
        for (unsigned i = 0; i < row.header.ops; ++i) {
            const op_view op = read_op(ops);
            FUZZ_CHECK(ops.ok());
            FUZZ_CHECK(op.name.size() + op.value.size() <= row.ops.size());
        }
        FUZZ_CHECK(ops.at_end());
    }
    FUZZ_CHECK(!rows.ok() || written.size() == size);
    FUZZ_CHECK(!rows.next(row));
    return 0;
}
