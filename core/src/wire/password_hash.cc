#include "wire/password_hash.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "wire/pi_words.h"

namespace aero::wire {

namespace {

constexpr std::string_view prefix = "$2a$10$";
constexpr std::string_view salt_text = "7EqJtq98hPqEX7fNZaFWoO";
constexpr unsigned rounds = 1u << 10;
constexpr std::string_view digits = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view plain = "OrpheanBeholderScryDoubt";
constexpr size_t key_size_max = 72;

// Words of a text that repeats without end, four bytes each.
class word_cycle {
  public:
    explicit word_cycle(byte_view over) noexcept : over_(over) {}
    uint32_t next() noexcept {
        uint32_t word = 0;
        for (int i = 0; i < 4; ++i) {
            word = word << 8 | over_[at_];
            at_ = (at_ + 1) % over_.size();
        }
        return word;
    }

  private:
    byte_view over_;
    size_t at_ = 0;
};

class blowfish {
  public:
    blowfish() noexcept { words_ = pi_words; }
    ~blowfish() { wipe(&words_, sizeof words_); }
    blowfish(const blowfish&) = delete;
    blowfish& operator=(const blowfish&) = delete;

    void encipher(uint32_t& left, uint32_t& right) const noexcept {
        const uint32_t* subkeys = words_.data();
        for (size_t i = 0; i < 16; i += 2) {
            left ^= subkeys[i];
            right ^= mix(left);
            right ^= subkeys[i + 1];
            left ^= mix(right);
        }
        left ^= subkeys[16];
        right ^= subkeys[17];
        std::swap(left, right);
    }
    void expand(byte_view key, byte_view salt) noexcept {
        word_cycle key_words(key);
        for (size_t i = 0; i < 18; ++i) words_[i] ^= key_words.next();
        word_cycle salt_words(salt);
        uint32_t left = 0, right = 0;
        for (size_t i = 0; i < words_.size(); i += 2) {
            left ^= salt_words.next();
            right ^= salt_words.next();
            encipher(left, right);
            words_[i] = left;
            words_[i + 1] = right;
        }
    }

  private:
    uint32_t mix(uint32_t x) const noexcept {
        const uint32_t* boxes = words_.data() + 18;
        const uint32_t sum = boxes[x >> 24] + boxes[256 + (x >> 16 & 255)];
        return (sum ^ boxes[512 + (x >> 8 & 255)]) + boxes[768 + (x & 255)];
    }

    std::array<uint32_t, pi_words.size()> words_;  // 18 subkeys, then four boxes of 256
};

constexpr std::array<uint8_t, 16> salt_bytes() {
    std::array<uint8_t, 16> bytes{};
    uint32_t bits = 0;
    unsigned held = 0;
    size_t at = 0;
    for (const char digit : salt_text) {
        bits = bits << 6 | static_cast<uint32_t>(digits.find(digit));
        held += 6;
        if (held >= 8 && at < bytes.size()) bytes[at++] = static_cast<uint8_t>(bits >> (held -= 8));
    }
    return bytes;
}

void write_digits(char* to, byte_view bytes) noexcept {
    uint32_t bits = 0;
    unsigned held = 0;
    for (const uint8_t byte : bytes) {
        bits = bits << 8 | byte;
        held += 8;
        while (held >= 6) *to++ = digits[bits >> (held -= 6) & 63];
    }
    if (held > 0) *to++ = digits[bits << (6 - held) & 63];
}

}  // namespace

secret password_hash(std::string_view password) {
    static constexpr std::array<uint8_t, 16> salt = salt_bytes();
    constexpr std::array<uint8_t, 4> no_salt{};
    password = password.substr(0, password.find('\0'));
    std::array<uint8_t, key_size_max> key{};
    const size_t used = std::min(password.size(), key.size());
    if (used > 0) std::memcpy(key.data(), password.data(), used);
    const byte_view with_end = byte_view(key).first(std::min(used + 1, key.size()));  // its NUL belongs to it

    blowfish cipher;
    cipher.expand(with_end, salt);
    for (unsigned i = 0; i < rounds; ++i) {
        cipher.expand(with_end, no_salt);
        cipher.expand(salt, no_salt);
    }
    wipe(key.data(), key.size());

    std::array<uint8_t, plain.size()> sealed{};
    for (size_t at = 0; at < plain.size(); at += 8) {
        uint32_t left = load_be<uint32_t>(as_bytes(plain).data() + at);
        uint32_t right = load_be<uint32_t>(as_bytes(plain).data() + at + 4);
        for (int i = 0; i < 64; ++i) cipher.encipher(left, right);
        store_be(sealed.data() + at, left);
        store_be(sealed.data() + at + 4, right);
    }
    std::array<char, password_hash_size> text{};
    prefix.copy(text.data(), prefix.size());
    salt_text.copy(text.data() + prefix.size(), salt_text.size());
    write_digits(text.data() + prefix.size() + salt_text.size(), byte_view(sealed).first(sealed.size() - 1));
    secret hash({text.data(), text.size()});
    wipe(text.data(), text.size());
    wipe(sealed.data(), sealed.size());
    return hash;
}

}  // namespace aero::wire
