namespace ProtoServer.Testing;

/// <summary>One connection that a <see cref="FramingVerifier"/> feeds.</summary>
internal sealed class FramingRun
{
    private readonly RecordingProtocol _recorder;

    public FramingRun(Func<DeliveryLog, IProtocol> factory, bool coalesces)
    {
        Log = new DeliveryLog(count => Delivered?.Invoke(count));
        _recorder = RecordingProtocol.Around(factory(Log));
        Transport = new MemoryTransport(_recorder) { Coalesces = coalesces };
        Transport.Connect();
    }

    public DeliveryLog Log { get; }

    public MemoryTransport Transport { get; }

    /// <summary>Called inside each delivery, with the number of deliveries so far.</summary>
    public Action<int>? Delivered { get; set; }

    /// <summary>Feeds the bytes cut behind each of the positions.</summary>
    public FramingRun Feed(ReadOnlySpan<byte> bytes, IEnumerable<int> cuts)
    {
        int start = 0;
        foreach (int cut in cuts.Append(bytes.Length))
        {
            Transport.Receive(bytes[start..cut]);
            start = cut;
        }

        return this;
    }

    /// <summary>Feeds the bytes at once, in segments of so many bytes.</summary>
    public FramingRun FeedSegments(ReadOnlySpan<byte> bytes, int segmentBytes)
    {
        List<byte[]> segments = [];
        for (int start = 0; start < bytes.Length; start += segmentBytes)
        {
            segments.Add(bytes.Slice(start, Math.Min(segmentBytes, bytes.Length - start)).ToArray());
        }

        using LentSequence sequence = new(segments, coalesce: false);
        Transport.Receive(sequence.Sequence);
        return this;
    }

    public FramingOutcome Outcome()
    {
        _recorder.Verify();
        string sent = DeliveryLog.Escape(Transport.ReadSent());
        bool ended = _recorder.Callbacks.Contains(ProtocolCallback.ConnectionLost);
        Exception? lost = ended ? _recorder.LostException : null;
        return new FramingOutcome([.. Log.Entries], sent, lost?.Message, ended);
    }
}
