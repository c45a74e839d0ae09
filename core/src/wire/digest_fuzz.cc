// Input: keys, each behind a byte for its length. Every width of lanes must give what one key by itself gives.
#include <vector>

#include "base/reader.h"
#include "testing/fuzz.h"
#include "wire/digest.h"

using namespace aero;
using namespace aero::wire;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    reader from({data, size});
    std::vector<key_view> keys;
    while (!from.at_end() && keys.size() < 50) {  // three times the widest lanes, and some
        const uint8_t lengths = from.u8();
        key_view key;
        key.set = from.text(lengths & 15);
        key.value = from.take(lengths >> 2);
        if (from.ok()) keys.push_back(key);
    }
    std::vector<digest> expected;
    expected.reserve(keys.size());
    for (const key_view& key : keys) expected.push_back(digest_of(key));
    for (const unsigned lanes : {1u, 4u, 8u, 16u}) {
        std::vector<digest> hashed(keys.size());
        digests_of(keys, hashed, lanes);
        FUZZ_CHECK(hashed == expected);
    }
    return 0;
}
