// A value of a bin: what the database can hold, as one copyable type.
//
// Owned by whoever holds it; moving is cheap, copying is deep. Not safe for threads that write, safe for threads that
// read. Lists and maps keep the order in which they arrived and the order flags the server attached to them.
#pragma once

#include <cassert>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace aero {

class value;

// A template only so that it may be named before `value` is complete.
template <class Value>
struct entry_of {
    Value key;
    Value content;
    bool operator==(const entry_of&) const = default;
};
using map_entry = entry_of<value>;

struct blob {
    std::vector<uint8_t> bytes;
    bool operator==(const blob&) const = default;
};

// A HyperLogLog sketch, as the server lays it out.
struct hll {
    std::vector<uint8_t> bytes;
    bool operator==(const hll&) const = default;
};

// GeoJSON text. What a server answers has an index of cells before the text; it is carried along and never compared.
class geojson {
  public:
    explicit geojson(std::string_view text) : particle_(3, '\0') { particle_ += text; }
    // REQUIRES: `text_offset` <= particle.size()
    geojson(std::string particle, uint32_t text_offset) : particle_(std::move(particle)), text_offset_(text_offset) {
        assert(text_offset_ <= particle_.size());
    }
    std::string_view text() const noexcept { return std::string_view(particle_).substr(text_offset_); }
    std::string_view particle() const noexcept { return particle_; }  // flags, count of cells, cells, text
    bool operator==(const geojson& other) const noexcept { return text() == other.text(); }

  private:
    std::string particle_;
    uint32_t text_offset_ = 3;
};

// A particle this library does not interpret: language blobs, vectors.
struct raw_particle {
    std::vector<uint8_t> bytes;
    uint8_t type = 0;
    bool operator==(const raw_particle&) const = default;
};

// A MessagePack extension inside a list or map. Wildcard and infinity exist only as arguments of list and map commands.
struct extension {
    std::vector<uint8_t> bytes;
    uint8_t type = 0;
    bool operator==(const extension&) const = default;
};

struct list {
    list() = default;
    list(std::initializer_list<value> elements);

    std::vector<value> items;
    uint8_t order = 0;  // 0: unordered, 1: ordered by value; bits of the wire beyond these are kept
    bool operator==(const list& other) const;
};

struct map {
    map() = default;
    map(std::initializer_list<map_entry> elements);

    const value* find(const value& key) const;  // nothing when the key is absent

    std::vector<map_entry> entries;
    uint8_t order = 0;  // 0: unordered, 1: by key, 3: by key and value; bits of the wire beyond these are kept
    bool operator==(const map& other) const;  // entries in the same order, and the same flags
};

// A float. `single` marks one that came as 32 bits; it goes back as 32 bits.
struct real {
    double number = 0;
    bool single = false;
    bool operator==(const real& other) const noexcept { return number == other.number; }
};

class value {
  public:
    // In the order of the alternatives of `variant`.
    enum class kind : uint8_t {
        nil,
        boolean,
        integer,
        unsigned_integer,  // above the greatest int64; only inside lists and maps
        real,
        string,
        blob,
        list,
        map,
        geojson,
        hll,
        raw,
        extension,
    };
    using variant = std::variant<std::monostate, bool, int64_t, uint64_t, real, std::string, aero::blob, aero::list,
                                 aero::map, aero::geojson, aero::hll, raw_particle, aero::extension>;

    value() noexcept = default;
    value(std::nullptr_t) noexcept {}
    template <std::same_as<bool> Bool>
    value(Bool truth) noexcept : content_(truth) {}
    template <std::integral Integer>
        requires(!std::same_as<Integer, bool>)
    value(Integer number) noexcept {
        if (std::in_range<int64_t>(number)) {
            content_ = static_cast<int64_t>(number);
        } else {
            content_ = static_cast<uint64_t>(number);
        }
    }
    value(double number) noexcept : content_(real{number, false}) {}
    value(real number) noexcept : content_(number) {}
    value(const char* text) : content_(std::string(text)) {}
    value(std::string_view text) : content_(std::string(text)) {}
    value(std::string text) noexcept : content_(std::move(text)) {}
    value(aero::blob bytes) noexcept : content_(std::move(bytes)) {}
    value(aero::list items) noexcept : content_(std::move(items)) {}
    value(aero::map entries) noexcept : content_(std::move(entries)) {}
    value(aero::geojson shape) noexcept : content_(std::move(shape)) {}
    value(aero::hll sketch) noexcept : content_(std::move(sketch)) {}
    value(raw_particle particle) noexcept : content_(std::move(particle)) {}
    value(aero::extension element) noexcept : content_(std::move(element)) {}
    static value wildcard();  // equals anything
    static value infinity();  // greater than anything

    kind type() const noexcept { return static_cast<kind>(content_.index()); }
    bool is_nil() const noexcept { return type() == kind::nil; }
    template <class Type>
    bool is() const noexcept {
        return if_is<Type>() != nullptr;
    }
    // The content when it is of that type, else nothing: `if (const auto* text = v.if_is<std::string>())`.
    template <class Type>
    const Type* if_is() const noexcept {
        if constexpr (std::same_as<Type, double>) {
            const real* number = std::get_if<real>(&content_);
            return number == nullptr ? nullptr : &number->number;
        } else {
            return std::get_if<Type>(&content_);
        }
    }
    // REQUIRES: is<Type>()
    template <class Type>
    const Type& as() const noexcept {
        const Type* content = if_is<Type>();
        assert(content != nullptr);
        return *content;
    }
    variant& held() noexcept { return content_; }
    const variant& held() const noexcept { return content_; }

    bool operator==(const value& other) const;

  private:
    variant content_;
};

std::string_view name_of(value::kind kind) noexcept;
// For messages and tests; not a format to parse.
std::string to_string(const value& of);

}  // namespace aero
