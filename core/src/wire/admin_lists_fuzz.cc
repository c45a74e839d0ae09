// Input: one byte that says what the rest is: a list of roles, of privileges, of numbers, an allowlist, or records of
// an answer. What was read is written so that it reads the same.
#include "testing/fuzz.h"
#include "wire/admin_lists.h"

using namespace aero;
using namespace aero::wire;

namespace {

void read_records(byte_view bytes) {
    reader from(bytes);
    while (!from.at_end()) {
        const auto record = take_admin(from);
        if (!record) return;
        if (const auto user = user_of(*record)) FUZZ_CHECK(user->roles.size() <= admin_list_max);
        if (const auto role = role_of(*record)) FUZZ_CHECK(role->privileges.size() <= admin_list_max);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const byte_view bytes{data + 1, size - 1};
    buffer again;
    switch (data[0] % 5) {
        case 0:
            if (const auto read = decode_roles(bytes)) {
                append_roles(again, *read);
                FUZZ_CHECK(tests::same_bytes(again.view(), bytes));
            }
            break;
        case 1:
            if (const auto read = decode_privileges(bytes)) {
                append_privileges(again, *read);
                FUZZ_CHECK(tests::same_bytes(again.view(), bytes));
            }
            break;
        case 2:
            if (const auto read = decode_numbers(bytes)) {
                append_numbers(again, *read);
                FUZZ_CHECK(tests::same_bytes(again.view(), bytes));
            }
            break;
        case 3: {
            const auto read = split_allowlist(as_text(bytes));
            FUZZ_CHECK(split_allowlist(join_allowlist(read)) == read);
            break;
        }
        default: read_records(bytes);
    }
    return 0;
}
