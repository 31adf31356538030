namespace ProtoServer.Testing;

/// <summary>One frame for a <see cref="FramingVerifier"/>: its bytes on the wire, and what the framing must deliver for them.</summary>
public sealed class FramingVector
{
    /// <summary>A frame that is delivered as <paramref name="delivered"/>.</summary>
    /// <param name="wire">All bytes of one frame, with its terminator or length; copied.</param>
    /// <param name="delivered">What <see cref="DeliveryLog"/> must get.</param>
    public FramingVector(ReadOnlySpan<byte> wire, string delivered)
    {
        ArgumentNullException.ThrowIfNull(delivered);
        if (wire.IsEmpty)
        {
            throw new ArgumentException("A frame has at least one byte on the wire.", nameof(wire));
        }

        Wire = wire.ToArray();
        Delivered = delivered;
    }

    /// <summary>A frame that is delivered as these bytes.</summary>
    /// <param name="wire">All bytes of one frame, with its terminator or length; copied.</param>
    /// <param name="delivered">What <see cref="DeliveryLog.Add(ReadOnlySpan{byte})"/> must get.</param>
    public FramingVector(ReadOnlySpan<byte> wire, ReadOnlySpan<byte> delivered)
        : this(wire, DeliveryLog.Escape(delivered))
    {
    }

    /// <summary>The bytes on the wire.</summary>
    public ReadOnlyMemory<byte> Wire { get; }

    /// <summary>What must be delivered, as <see cref="DeliveryLog"/> writes it.</summary>
    public string Delivered { get; }
}
