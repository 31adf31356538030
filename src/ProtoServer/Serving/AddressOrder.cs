using System.Net;

namespace ProtoServer;

/// <summary>In which order the addresses of a name are tried.</summary>
internal static class AddressOrder
{
    /// <summary>The families take turns, beginning with that of the first address (RFC 8305, section 4); within each the resolver's order stands.</summary>
    public static IEnumerable<IPAddress> Interleave(IReadOnlyCollection<IPAddress> addresses)
    {
        IPAddress[][] families = [.. addresses.GroupBy(static address => address.AddressFamily).Select(static family => family.ToArray())];
        int longest = families.Length == 0 ? 0 : families.Max(static family => family.Length);
        for (int i = 0; i < longest; i++)
        {
            foreach (IPAddress[] family in families)
            {
                if (i < family.Length)
                {
                    yield return family[i];
                }
            }
        }
    }
}
