#ifndef LOKISHIP_SHIP_RECENT_KEYS_HPP
#define LOKISHIP_SHIP_RECENT_KEYS_HPP

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
/// All memory is taken by the constructor and by `grow`: `sizeof(Key)` and at most 20 bytes a key. `Key` is
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
        return nodes_.capacity() * sizeof(node) + buckets_.capacity() * sizeof(index);
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
        if (refresh(key))
            return false;
        index at;
        if (nodes_.size() < capacity_) {
            at = static_cast<index>(nodes_.size());
            nodes_.push_back({key, nil, nil, nil});
        } else {
            at = oldest_;
            unlink(at);
            remove_from_bucket(at);
            nodes_[at].key = key;
        }
        add_to_bucket(at);
        link_newest(at);
        return true;
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
        index older, newer, next_in_bucket;
    };

    index& bucket(const Key& key) noexcept {
        return buckets_[boost::hash<Key>()(key) & (buckets_.size() - 1)];
    }
    index find(const Key& key) const noexcept {
        index at = buckets_[boost::hash<Key>()(key) & (buckets_.size() - 1)];
        while (at != nil && !(nodes_[at].key == key))
            at = nodes_[at].next_in_bucket;
        return at;
    }
    void add_to_bucket(index at) noexcept {
        index& first = bucket(nodes_[at].key);
        nodes_[at].next_in_bucket = first;
        first = at;
    }
    void remove_from_bucket(index at) noexcept {
        index* link = &bucket(nodes_[at].key);
        while (*link != at)
            link = &nodes_[*link].next_in_bucket;
        *link = nodes_[at].next_in_bucket;
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
        // Rounded down, so that the table never takes more than 4 bytes a key; chains then hold two keys at
        // most on average.
        buckets_.assign(std::bit_floor(capacity_), nil);
        for (index at = 0; at != nodes_.size(); ++at)
            add_to_bucket(at);
    }

    std::size_t capacity_;
    std::vector<node> nodes_;
    std::vector<index> buckets_;
    index oldest_ = nil, newest_ = nil;
};

} // namespace lokiship::ship

#endif
