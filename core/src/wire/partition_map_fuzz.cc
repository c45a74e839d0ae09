// Input: a letter for the grammar (r, p or s) and text. What can be read is written as text that reads the same.
#include "base/base64.h"
#include "testing/fuzz.h"
#include "wire/partition_map.h"

using namespace aero;
using namespace aero::wire;

namespace {

template <class Decode, class Encode>
void check_both_ways(std::string_view text, Decode decode, Encode encode) {
    const auto decoded = decode(text);
    if (!decoded) {
        FUZZ_CHECK(decoded.error().what == code::bad_reply && !decoded.error().text.empty());
        return;
    }
    const std::string written = encode(*decoded);
    const auto again = decode(written);
    FUZZ_CHECK(again && *again == *decoded);
    FUZZ_CHECK(encode(*again) == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const std::string_view text = as_text({data + 1, size - 1});
    switch (data[0]) {
        case 'r': check_both_ways(text, decode_replicas, encode_replicas); break;
        case 'p': check_both_ways(text, decode_peers, encode_peers); break;
        case 's':
            check_both_ways(text, [](std::string_view from) { return decode_service(from); }, encode_service);
            break;
        default:
            if (const auto bytes = base64_decode(text)) FUZZ_CHECK(base64_encode(*bytes) == text);
    }
    return 0;
}
