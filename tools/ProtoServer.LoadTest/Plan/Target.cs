using System.Globalization;

namespace ProtoServer.LoadTest.Plan;

/// <summary>Where the server is: <c>HOST:PORT</c>, <c>[::1]:PORT</c>, or <c>unix:/path/to/socket</c>.</summary>
/// <param name="Host">Null for a unix socket.</param>
/// <param name="Port">0 for a unix socket, or for a listener that may choose.</param>
/// <param name="UnixPath">Null for TCP.</param>
internal sealed record Target(string? Host, int Port, string? UnixPath)
{
    public static bool TryParse(string text, out Target? target)
    {
        target = null;
        if (text.StartsWith("unix:", StringComparison.Ordinal))
        {
            target = text.Length > 5 ? new Target(null, 0, text[5..]) : null;
            return target is not null;
        }
        int colon = text.LastIndexOf(':');
        if (colon < 0 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) || port > 65535)
        {
            return false;
        }
        string host = text[..colon];
        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            host = host[1..^1];
        }
        else if (host.Contains(':'))
        {
            return false;
        }
        target = new Target(host.Length == 0 ? "127.0.0.1" : host, port, null);
        return true;
    }

    public override string ToString() => UnixPath is not null ? "unix:" + UnixPath
        : Host!.Contains(':') ? string.Create(CultureInfo.InvariantCulture, $"[{Host}]:{Port}")
        : string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");
}
