#ifndef LOKISHIP_SHIP_RECENT_KEYS_HPP
#define LOKISHIP_SHIP_RECENT_KEYS_HPP

#include <lokiship/ship/detail/prefetch.hpp>
#include <lokiship/version.hpp>

#include <boost/assert.hpp>
#include <boost/container_hash/hash.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace lokiship::ship {

/// The keys seen last, at most `capacity()` of them. When one more comes, the key that was seen longest ago
/// leaves; a key seen again counts as fresh.
///
/// All memory is taken by the constructor and by `grow`: `sizeof(Key)` and at most 32 bytes a key. `Key` is
/// copyable, equality-comparable and has a `boost::hash`. `refresh`, `insert` and `contains` take constant
/// time on average. Not thread-safe.
template <class Key>
class recent_keys {
public:
    /// The number of keys kept by default (specification, "max 10k entries").
    static constexpr std::size_t default_capacity = 10'000;

    /// Precondition: 1 <= capacity < 2^31.
    explicit recent_keys(std::size_t capacity = default_capacity)
        : capacity_(capacity) {
        BOOST_ASSERT(capacity >= 1 && capacity < std::size_t{1} << 31);
        nodes_.reserve(capacity);
        rehash();
    }

    std::size_t size() const noexcept { return nodes_.size(); }
    std::size_t capacity() const noexcept { return capacity_; }
    /// Bytes taken from the heap.
    std::size_t memory() const noexcept {
        return nodes_.capacity() * sizeof(node) + slots_.capacity() * sizeof(slot);
    }

    bool contains(const Key& key) const noexcept { return find(key) != nil; }

    /// The key that equals `key`, or null. Valid until the next call that is not const.
    const Key* get(const Key& key) const noexcept {
        const index at = find(key);
        return at == nil ? nullptr : &nodes_[at].key;
    }

    /// Whether the key is known; if so it now counts as seen last.
    bool refresh(const Key& key) noexcept {
        const index at = find(key);
        if (at == nil)
            return false;
        unlink(at);
        link_newest(at);
        return true;
    }

    /// Makes the key the one seen last, letting the one seen longest ago leave if there is no room. Whether it is new.
    bool insert(const Key& key) {
        const std::uint32_t hash = hash_of(key);
        std::size_t place = place_of(key, hash);
        index at = slots_[place].node;
        const bool known = at != nil;
        if (known) {
            unlink(at);
        } else if (nodes_.size() < capacity_) {
            at = static_cast<index>(nodes_.size());
            nodes_.push_back({key, nil, nil});
        } else {
            at = oldest_;
            unlink(at);
            remove_from_table(at);
            nodes_[at].key = key;
            place = place_of(key, hash);
        }
        slots_[place] = {at, hash};
        link_newest(at);
        // Who leaves next is known now, and is far from the processor by then.
        if (nodes_.size() == capacity_)
            detail::prefetch(&slots_[home({nil, hash_of(nodes_[oldest_].key)})]);
        return !known;
    }

    /// Visits every key as `f(key)`, the one seen longest ago first.
    template <class F>
    void visit(F f) const {
        for (index at = oldest_; at != nil; at = nodes_[at].newer)
            f(nodes_[at].key);
    }

    /// Raises the capacity to `capacity`, keeping all keys and their order. Does nothing where it is as large
    /// already.
    void grow(std::size_t capacity) {
        if (capacity <= capacity_)
            return;
        BOOST_ASSERT(capacity < std::size_t{1} << 31);
        capacity_ = capacity;
        nodes_.reserve(capacity);
        rehash();
    }

private:
    using index = std::uint32_t;
    static constexpr index nil = std::numeric_limits<index>::max();
    struct node {
        Key key;
        index older, newer;
    };
    /// A place in the table. The hash says where it belongs, so that most lookups touch no key.
    struct slot {
        index node = nil;
        std::uint32_t hash = 0;
    };

    static std::uint32_t hash_of(const Key& key) noexcept {
        // A hash may be the key itself; the highest bits of the product depend on all of it.
        return static_cast<std::uint32_t>(std::uint64_t{boost::hash<Key>()(key)} * 0x9e3779b97f4a7c15 >> 32);
    }
    std::size_t next(std::size_t place) const noexcept { return (place + 1) & (slots_.size() - 1); }
    std::size_t home(const slot& s) const noexcept { return s.hash >> shift_; }

    /// Where the key is, or the empty slot where it would be.
    std::size_t place_of(const Key& key, std::uint32_t hash) const noexcept {
        std::size_t at = home({nil, hash});
        while (slots_[at].node != nil && !(slots_[at].hash == hash && nodes_[slots_[at].node].key == key))
            at = next(at);
        return at;
    }
    index find(const Key& key) const noexcept { return slots_[place_of(key, hash_of(key))].node; }
    void remove_from_table(index which) noexcept {
        std::size_t hole = home({nil, hash_of(nodes_[which].key)});
        while (slots_[hole].node != which)
            hole = next(hole);
        // What stands behind it moves up, unless that is before its home.
        const std::size_t mask = slots_.size() - 1;
        for (std::size_t at = next(hole); slots_[at].node != nil; at = next(at))
            if (((at - home(slots_[at])) & mask) >= ((at - hole) & mask)) {
                slots_[hole] = slots_[at];
                hole = at;
            }
        slots_[hole] = {};
    }
    void unlink(index at) noexcept {
        const node& n = nodes_[at];
        (n.older == nil ? oldest_ : nodes_[n.older].newer) = n.newer;
        (n.newer == nil ? newest_ : nodes_[n.newer].older) = n.older;
    }
    void link_newest(index at) noexcept {
        nodes_[at].older = newest_;
        nodes_[at].newer = nil;
        (newest_ == nil ? oldest_ : nodes_[newest_].newer) = at;
        newest_ = at;
    }
    void rehash() {
        // At most three quarters of the slots are taken.
        slots_.assign(std::bit_ceil(capacity_ + capacity_ / 3 + 1), {});
        shift_ = 32 - std::countr_zero(slots_.size());
        for (index at = 0; at != nodes_.size(); ++at) {
            const std::uint32_t hash = hash_of(nodes_[at].key);
            slots_[place_of(nodes_[at].key, hash)] = {at, hash};
        }
    }

    std::size_t capacity_;
    std::vector<node> nodes_;
    std::vector<slot> slots_;
    int shift_ = 0;
    index oldest_ = nil, newest_ = nil;
};

} // namespace lokiship::ship

#endif
