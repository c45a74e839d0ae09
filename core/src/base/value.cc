#include "aero/value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace aero {

list::list(std::initializer_list<value> elements) : items(elements) {}
bool list::operator==(const list& other) const { return order == other.order && items == other.items; }

map::map(std::initializer_list<map_entry> elements) : entries(elements) {}
bool map::operator==(const map& other) const { return order == other.order && entries == other.entries; }

const value* map::find(const value& key) const {
    const auto found = std::ranges::find(entries, key, &map_entry::key);
    return found == entries.end() ? nullptr : &found->content;
}

bool value::operator==(const value& other) const { return content_ == other.content_; }

value value::wildcard() { return aero::extension{{0}, 0xff}; }
value value::infinity() { return aero::extension{{1}, 0xff}; }

std::string_view name_of(value::kind kind) noexcept {
    static constexpr std::array<std::string_view, 13> names{
        "nil",  "boolean", "integer", "unsigned integer", "float",        "string",   "blob",
        "list", "map",     "GeoJSON", "HyperLogLog",      "raw particle", "extension"};
    static_assert(names.size() == std::variant_size_v<value::variant>);
    return names[static_cast<size_t>(kind)];
}

namespace {

void write(std::string& to, const value& of);

void write_number(std::string& to, auto number) {
    char digits[64];
    to.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}
void write_bytes(std::string& to, std::string_view opening, std::span<const uint8_t> bytes) {
    to += opening;
    for (const uint8_t byte : bytes) {
        to += "0123456789abcdef"[byte >> 4];
        to += "0123456789abcdef"[byte & 15];
    }
    to += '\'';
}
void write_order(std::string& to, uint8_t order) {
    if (order == 0) return;
    to += '~';
    write_number(to, unsigned{order});
}

struct writer {
    std::string& to;

    void operator()(std::monostate) const { to += "nil"; }
    void operator()(bool truth) const { to += truth ? "true" : "false"; }
    void operator()(int64_t number) const { write_number(to, number); }
    void operator()(uint64_t number) const { write_number(to, number); }
    void operator()(real number) const {
        write_number(to, number.number);
        to += number.single ? "f" : "";
    }
    void operator()(const std::string& text) const { (to += '"') += text, to += '"'; }
    void operator()(const blob& of) const { write_bytes(to, "x'", of.bytes); }
    void operator()(const list& of) const {
        to += '[';
        for (size_t i = 0; i < of.items.size(); ++i) {
            if (i != 0) to += ", ";
            write(to, of.items[i]);
        }
        to += ']';
        write_order(to, of.order);
    }
    void operator()(const map& of) const {
        to += '{';
        for (size_t i = 0; i < of.entries.size(); ++i) {
            if (i != 0) to += ", ";
            write(to, of.entries[i].key);
            to += ": ";
            write(to, of.entries[i].content);
        }
        to += '}';
        write_order(to, of.order);
    }
    void operator()(const geojson& shape) const { (to += "geojson'") += shape.text(), to += '\''; }
    void operator()(const hll& of) const { write_bytes(to, "hll'", of.bytes); }
    void operator()(const raw_particle& of) const {
        to += "particle ";
        write_number(to, unsigned{of.type});
        write_bytes(to, " '", of.bytes);
    }
    void operator()(const extension& of) const {
        to += "extension ";
        write_number(to, unsigned{of.type});
        write_bytes(to, " '", of.bytes);
    }
};

void write(std::string& to, const value& of) { std::visit(writer{to}, of.held()); }

}  // namespace

std::string to_string(const value& of) {
    std::string text;
    write(text, of);
    return text;
}

}  // namespace aero
