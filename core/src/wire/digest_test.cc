#include "wire/digest.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "testing/hex.h"

namespace aero::wire {
namespace {

std::string hex(const digest& d) { return tests::to_hex(d); }

digest integer_digest(std::string_view set, int64_t key) {
    uint8_t bytes[8];
    store_be(bytes, key);
    return digest_of({set, particle::integer, bytes});
}

// The same hash by another hand. Older builds of OpenSSL keep RIPEMD-160 in the provider of legacy algorithms.
class oracle {
  public:
    oracle() {
        kind_ = EVP_MD_fetch(nullptr, "RIPEMD160", nullptr);
        if (kind_ == nullptr) {
            legacy_ = OSSL_PROVIDER_load(nullptr, "legacy");
            kind_ = EVP_MD_fetch(nullptr, "RIPEMD160", nullptr);
        }
    }
    ~oracle() {
        EVP_MD_free(kind_);
        if (legacy_ != nullptr) OSSL_PROVIDER_unload(legacy_);
    }
    oracle(const oracle&) = delete;
    oracle& operator=(const oracle&) = delete;

    bool usable() const { return kind_ != nullptr; }
    digest operator()(const key_view& key) const {
        const auto type = static_cast<uint8_t>(key.type);
        digest hashed{};
        const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
        EVP_DigestInit_ex2(context.get(), kind_, nullptr);
        EVP_DigestUpdate(context.get(), key.set.data(), key.set.size());
        EVP_DigestUpdate(context.get(), &type, 1);
        EVP_DigestUpdate(context.get(), key.value.data(), key.value.size());
        EVP_DigestFinal_ex(context.get(), hashed.data(), nullptr);
        return hashed;
    }

  private:
    EVP_MD* kind_ = nullptr;
    OSSL_PROVIDER* legacy_ = nullptr;
};

std::string random_text(std::mt19937& random, size_t size) {
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>(random());
    return text;
}

TEST(digest, agrees_with_the_vectors_of_a_server) {
    EXPECT_EQ(hex(digest_of({"users", particle::string, as_bytes("alice")})),
              "da59d2c81357e4165b50cef5f1feaa053ae7fdf9");
    EXPECT_EQ(hex(digest_of({"users", particle::string, as_bytes("bob")})), "cdceb4b9df9323c3f21232db3b979ed9b3b61f03");
    EXPECT_EQ(hex(integer_digest("users", 1)), "3921e84015258aed3b93d7ef5770cd27b9bb4167");
    EXPECT_EQ(hex(integer_digest("orders", 1001)), "68019873521bc0721153c8548cca19f0d425b55a");
    EXPECT_EQ(hex(digest_of({"", particle::string, as_bytes("k")})), "6896afa4f6819bd9a44dcae9c021ec0364d2662a");
}

TEST(digest, gives_the_partition_by_its_first_twelve_bits) {
    EXPECT_EQ(partition_of(digest_of({"users", particle::string, as_bytes("alice")})), 2522u);
    EXPECT_EQ(partition_of(digest_of({"users", particle::string, as_bytes("bob")})), 3789u);
    EXPECT_EQ(partition_of(integer_digest("users", 1)), 313u);
    EXPECT_EQ(partition_of(integer_digest("orders", 1001)), 360u);
    EXPECT_EQ(partition_of(digest_of({"", particle::string, as_bytes("k")})), 1640u);
}

TEST(digest, hashes_every_length_as_openssl_does) {
    const oracle expected;
    ASSERT_TRUE(expected.usable());
    std::mt19937 random(160);  // NOLINT(bugprone-random-generator-seed): a failure must come back
    for (size_t size = 0; size <= 200; ++size) {
        for (const size_t set_size : {size_t{0}, size_t{1}, size_t{4}, size_t{17}, size_t{54}, size_t{63}}) {
            const std::string set = random_text(random, set_size);
            const std::string value = random_text(random, size);
            const key_view key{set, particle::string, as_bytes(value)};
            ASSERT_EQ(hex(digest_of(key)), hex(expected(key))) << "set of " << set_size << ", key of " << size;
        }
    }
}

class digest_lanes_of : public testing::TestWithParam<unsigned> {};

// Short and long keys, mixed so that lanes fill unevenly, in batches of every size up to three times the widest.
TEST_P(digest_lanes_of, mixed_batches_hash_as_openssl_does) {
    const oracle expected;
    ASSERT_TRUE(expected.usable());
    std::mt19937 random(GetParam());
    for (size_t count = 0; count <= 48; ++count) {
        std::vector<std::string> sets(count), values(count);
        std::vector<key_view> keys(count);
        for (size_t i = 0; i < count; ++i) {
            sets[i] = random_text(random, random() % 20);
            values[i] = random_text(random, random() % 4 == 0 ? random() % 200 : random() % 36);
            const particle types[] = {particle::integer, particle::string, particle::blob};
            keys[i] = {sets[i], types[random() % 3], as_bytes(values[i])};
        }
        std::vector<digest> hashed(count);
        digests_of(keys, hashed, GetParam());
        for (size_t i = 0; i < count; ++i) ASSERT_EQ(hex(hashed[i]), hex(expected(keys[i]))) << i << " of " << count;
    }
}

TEST_P(digest_lanes_of, every_length_hashes_as_openssl_does) {
    const oracle expected;
    ASSERT_TRUE(expected.usable());
    std::mt19937 random(GetParam() + 1);
    std::vector<std::string> values;
    values.reserve(201);
    for (size_t size = 0; size <= 200; ++size) values.push_back(random_text(random, size));
    std::vector<key_view> keys;
    keys.reserve(values.size());
    for (const std::string& value : values) keys.push_back({"fv_0", particle::blob, as_bytes(value)});
    std::vector<digest> hashed(keys.size());
    digests_of(keys, hashed, GetParam());
    for (size_t i = 0; i < keys.size(); ++i) ASSERT_EQ(hex(hashed[i]), hex(expected(keys[i]))) << "key of " << i;
}

INSTANTIATE_TEST_SUITE_P(widths, digest_lanes_of, testing::Values(1u, 4u, 8u, 16u));

TEST(digest, the_width_chosen_is_one_the_kernels_have) {
    const unsigned lanes = digest_lanes();
    EXPECT_TRUE(lanes == 4 || lanes == 8 || lanes == 16) << lanes;
}

}  // namespace
}  // namespace aero::wire
