#include "wire/password_hash.h"

#include <gtest/gtest.h>
#include <openssl/bn.h>

#include <string>

#include "wire/pi_words.h"

namespace aero::wire {
namespace {

// What the system's crypt() gives for `$2a$10$7EqJtq98hPqEX7fNZaFWoO`.
TEST(password_hash, is_bcrypt_with_the_salt_of_the_protocol) {
    const std::pair<std::string, const char*> known[] = {
        {"", "LCkFexA7A9eoJ0Ew.mTDdk.E60D.9zS"},
        {"a", "o55z4.5EHedKkIBS22sgiJDvgvldAGm"},
        {"password", "qUH6KN8IKy3Yk5Kz..RHGKNAUCoP/LG"},
        {"nopassword", "ePA2sZy..tlOF99W2N0g5KZ3dLaw8WO"},
        {"gr\xc3\xbc\xc3\x9f"
         "e",
         "KYwismj4G5.8UPj4bmIz0SNIye62wvK"},
        {std::string(71, 'x'), "z6yLiELAVSdH4tDghUDRSD8HPTYDy4W"},
        {std::string(72, 'x'), "j4pCMKJ2fyV1yI8DmffjnyvUcJMifGW"},
        {std::string(80, 'x'), "j4pCMKJ2fyV1yI8DmffjnyvUcJMifGW"},
        {std::string("a\0b", 3), "o55z4.5EHedKkIBS22sgiJDvgvldAGm"},
    };
    for (const auto& [password, hash] : known)
        EXPECT_EQ(password_hash(password).view(), std::string("$2a$10$7EqJtq98hPqEX7fNZaFWoO") + hash) << password;
}

// Machin: pi = 16 arctan(1/5) - 4 arctan(1/239), in fixed point.
TEST(pi_words, are_the_digits_of_pi) {
    constexpr int guard = 64;
    const int bits = static_cast<int>(pi_words.size()) * 32 + guard;
    const auto arctan_of_inverse = [&](BN_ULONG x, BN_ULONG times) {
        BIGNUM *power = BN_new(), *sum = BN_new(), *term = BN_new();
        BN_set_word(power, times);
        BN_lshift(power, power, bits);
        BN_div_word(power, x);
        BN_copy(sum, power);
        for (BN_ULONG n = 3; !BN_is_zero(power); n += 2) {
            BN_div_word(power, x * x);
            BN_copy(term, power);
            BN_div_word(term, n);
            if (n % 4 == 3)
                BN_sub(sum, sum, term);
            else
                BN_add(sum, sum, term);
        }
        BN_free(power);
        BN_free(term);
        return sum;
    };
    BIGNUM* pi = arctan_of_inverse(5, 16);
    BIGNUM* less = arctan_of_inverse(239, 4);
    BN_sub(pi, pi, less);
    BN_mask_bits(pi, bits);  // the 3 goes
    BN_rshift(pi, pi, guard);
    std::array<unsigned char, pi_words.size() * 4> bytes{};
    ASSERT_GT(BN_bn2binpad(pi, bytes.data(), static_cast<int>(bytes.size())), 0);
    for (size_t i = 0; i < pi_words.size(); ++i) {
        const unsigned char* at = bytes.data() + i * 4;
        const uint32_t word = static_cast<uint32_t>(at[0]) << 24 | static_cast<uint32_t>(at[1]) << 16 |
                              static_cast<uint32_t>(at[2]) << 8 | at[3];
        ASSERT_EQ(pi_words[i], word) << i;
    }
    BN_free(pi);
    BN_free(less);
}

}  // namespace
}  // namespace aero::wire
