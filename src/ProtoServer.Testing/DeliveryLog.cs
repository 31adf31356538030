using System.Globalization;
using System.Text;

namespace ProtoServer.Testing;

/// <summary>Where a protocol under a <see cref="FramingVerifier"/> writes down what it was delivered: one <c>Add</c> for each frame.</summary>
public sealed class DeliveryLog
{
    private readonly List<string> _entries = [];
    private readonly Action<int> _added;

    internal DeliveryLog(Action<int> added) => _added = added;

    /// <summary>What was delivered so far.</summary>
    public IReadOnlyList<string> Entries => _entries;

    /// <summary>A frame of these bytes was delivered.</summary>
    public void Add(ReadOnlySpan<byte> frame) => Add(Escape(frame));

    /// <summary>A frame was delivered that <paramref name="entry"/> stands for.</summary>
    public void Add(string entry)
    {
        _entries.Add(entry);
        _added(_entries.Count);
    }

    /// <summary>Bytes as text: printable ASCII as it is, everything else and the backslash as <c>\xHH</c>.</summary>
    public static string Escape(ReadOnlySpan<byte> bytes)
    {
        StringBuilder text = new(bytes.Length);
        foreach (byte value in bytes)
        {
            if (value is >= 0x20 and < 0x7F && value != '\\')
            {
                text.Append((char)value);
            }
            else
            {
                text.Append(CultureInfo.InvariantCulture, $"\\x{value:X2}");
            }
        }

        return text.ToString();
    }
}
