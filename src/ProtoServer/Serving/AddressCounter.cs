using System.Net;
using System.Runtime.InteropServices;

namespace ProtoServer;

/// <summary>Counts open connections by address, for the limit of each. Any thread: the servers of a group share one; O(1), and only where the limit is set.</summary>
internal sealed class AddressCounter(int limit)
{
    // Held for one look-up, once an accept and once an end.
    private readonly Lock _gate = new();
    private readonly Dictionary<AddressKey, int> _counts = [];

    /// <summary>Null where <paramref name="options"/> set no limit.</summary>
    public static AddressCounter? For(ServerOptions options) => options.MaxConnectionsPerAddress is { } limit ? new AddressCounter(limit) : null;

    /// <summary>Counts a connection; returns whether its address may have it. <paramref name="key"/> is to be given back to <see cref="Leave"/>.</summary>
    public bool TryEnter(EndPoint? endPoint, out AddressKey key)
    {
        key = AddressKey.Of(endPoint);
        if (key == default)
        {
            return true;
        }
        lock (_gate)
        {
            ref int count = ref CollectionsMarshal.GetValueRefOrAddDefault(_counts, key, out _);
            if (count >= limit)
            {
                return false;
            }
            count++;
            return true;
        }
    }

    public void Leave(AddressKey key)
    {
        if (key == default)
        {
            return;
        }
        lock (_gate)
        {
            // Forgotten at zero: the table is as large as there are peers now, not as there ever were.
            if (--CollectionsMarshal.GetValueRefOrNullRef(_counts, key) == 0)
            {
                _counts.Remove(key);
            }
        }
    }
}
