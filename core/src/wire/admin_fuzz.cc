// Input: the body of a security message. What was read is written as a message that reads the same.
#include "testing/fuzz.h"
#include "wire/admin.h"
#include "wire/message.h"

using namespace aero;
using namespace aero::wire;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto read = decode_admin({data, size});
    if (!read) return 0;
    if (const auto session = session_of(*read)) FUZZ_CHECK(session->token.view().size() < size);
    buffer again;
    admin_writer to(again, static_cast<admin_command>(read->command), read->result);
    for (size_t id = 0; id < read->fields.size(); ++id) {
        if (read->fields[id]) to.field(static_cast<admin_field>(id), as_text(*read->fields[id]));
    }
    to.finish();
    aero::tests::leaves(again.view());
    const auto same = decode_admin(again.view().subspan(frame_header_size));
    FUZZ_CHECK(same && same->result == read->result && same->command == read->command);
    for (size_t id = 0; id < read->fields.size(); ++id) {
        const auto& one = read->fields[id];
        const auto& two = same->fields[id];
        FUZZ_CHECK(one.has_value() == two.has_value());
        FUZZ_CHECK(!one || aero::tests::same_bytes(*one, *two));
    }
    return 0;
}
