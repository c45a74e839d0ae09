#include "values/collection.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "values/order.h"
#include "wire/msgpack.h"

namespace aero_server {
namespace {

std::string bytes_of(std::string_view hex) {
    std::string bytes;
    std::string digits;
    for (const char c : hex)
        if (c != ' ') digits += c;
    for (size_t i = 0; i + 1 < digits.size(); i += 2)
        bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
    return bytes;
}
std::string hex_of(aero::byte_view bytes) {
    std::string hex;
    for (const uint8_t b : bytes) hex += "0123456789abcdef"[b >> 4], hex += "0123456789abcdef"[b & 15];
    return hex;
}
std::string normal(std::string_view hex, container kind) {
    aero::buffer to;
    const std::string bytes = bytes_of(hex);
    return normalise_collection(aero::as_bytes(bytes), kind, to) ? hex_of(to.view()) : "refused";
}
std::string list(std::string_view hex) { return normal(hex, container::list); }
std::string map(std::string_view hex) { return normal(hex, container::map); }

TEST(Collection, KeepsWhatIsNormalAlready) {
    EXPECT_EQ(list("90"), "90");
    EXPECT_EQ(list("94 01 a20361 c0 92 cb4004000000000000 a20478"), "9401a20361c092cb4004000000000000a20478");
    EXPECT_EQ(map("82 02 a20362 a2037a 01"), "8202a20362a2037a01");
    EXPECT_EQ(list("91 ca3fc00000"), "91ca3fc00000");  // 32-bit floats stay
}

TEST(Collection, MakesIntegersAndHeadersShort) {
    EXPECT_EQ(list("91 cd0005"), "9105");
    EXPECT_EQ(list("91 d3ffffffffffffffff"), "91ff");
    EXPECT_EQ(list("91 cfffffffffffffffff"), "91cfffffffffffffffff");
    EXPECT_EQ(list("91 c4 02 0361"), "91a20361");
    EXPECT_EQ(list("dd 00000001 05"), "9105");
    EXPECT_EQ(map("df 00000001 05 06"), "810506");
}

TEST(Collection, SortsUnorderedMapsByKey) {
    EXPECT_EQ(map("82 a2037a 01 02 a20362"), "8202a20362a2037a01");
    EXPECT_EQ(list("91 82 02 00 01 00"), "918201000200");  // nested ones too
}

TEST(Collection, KeepsMarkersOfOrderAndDropsTheRest) {
    EXPECT_EQ(list("94 c70001 01 02 03"), "94c70001010203");
    EXPECT_EQ(list("94 d40100 01 02 03"), "94c70001010203");
    EXPECT_EQ(list("93 c70000 02 01"), "920201");
    EXPECT_EQ(list("93 c70011 01 02"), "93c700010102");  // persist index
    EXPECT_EQ(map("82 c70001c0 a20361 03"), "82c70001c0a2036103");
    EXPECT_EQ(map("82 c70003c0 01 03"), "82c70003c00103");
    EXPECT_EQ(map("82 c70008c0 01 03"), "810103");
}

TEST(Collection, RefusesWhatIsNoValue) {
    EXPECT_EQ(list("91"), "refused");
    EXPECT_EQ(list("90 00"), "refused");  // bytes left over
    EXPECT_EQ(list("80"), "refused");     // the other container
    EXPECT_EQ(map("90"), "refused");
    EXPECT_EQ(list("05"), "refused");
    EXPECT_EQ(list(""), "refused");
    EXPECT_EQ(list("dd ffffffff"), "refused");    // a count beyond the bytes
    EXPECT_EQ(map("82 01 00 01 00"), "refused");  // duplicate keys
    EXPECT_EQ(map("83 02 00 01 00 02 00"), "refused");
    EXPECT_EQ(map("81 c0 00"), "refused");  // nil as a key
    EXPECT_EQ(map("81 cb3ff0000000000000 00"), "refused");
    EXPECT_EQ(list("93 c70001 02 01"), "refused");  // not in the order promised
    EXPECT_EQ(map("83 c70001c0 02 00 01 00"), "refused");
    EXPECT_EQ(list("91 d4ff00"), "refused");  // wildcard
    EXPECT_EQ(list("91 d4ff01"), "refused");  // infinity
}

TEST(Collection, RefusesNestingBeyondTheLimit) {
    std::string deep;
    for (int i = 0; i < 200; ++i) deep += "91";
    EXPECT_EQ(list(deep + "01"), "refused");
}

TEST(Order, OfKindsIsThatOfTheProtocol) {
    const std::string_view ordered[] = {"c0",
                                        "c2",
                                        "c3",
                                        "ff",
                                        "05",
                                        "cfffffffffffffffff",
                                        "a10"
                                        "3",
                                        "a20361",
                                        "a3036161",
                                        "a20362",
                                        "90",
                                        "9105",
                                        "920500",
                                        "9106",
                                        "80",
                                        "810101",
                                        "820101"
                                        "0202",
                                        "a20461",
                                        "cbbff0000000000000",
                                        "cb3ff0000000000000",
                                        "a21761",
                                        "d40001",
                                        "d4ff01"};
    for (size_t i = 0; i < std::size(ordered); ++i)
        for (size_t j = 0; j < std::size(ordered); ++j) {
            const std::string a = bytes_of(ordered[i]);
            const std::string b = bytes_of(ordered[j]);
            const auto expected = i <=> j;
            EXPECT_EQ(compare_values(aero::as_bytes(a), aero::as_bytes(b)), expected)
                << ordered[i] << " " << ordered[j];
        }
}

TEST(Order, LooksAtMapsPairByPairWithoutTheirMarkers) {
    const std::string plain = bytes_of("810102");
    const std::string marked = bytes_of("82c70001c00102");
    EXPECT_EQ(compare_values(aero::as_bytes(plain), aero::as_bytes(marked)), std::strong_ordering::equal);
}

}  // namespace
}  // namespace aero_server
