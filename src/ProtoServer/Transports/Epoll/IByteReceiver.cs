namespace ProtoServer;

/// <summary>Who reads from an <see cref="EpollReader"/> without awaiting, and is shown bytes where the kernel put them instead of as a <see cref="System.IO.Pipelines.ReadResult"/>. Loop thread only.</summary>
/// <remarks>It is shown bytes only while its read is pending and nothing is left from before; the read stays pending, so that the usual case makes no result and begins no new read.</remarks>
internal interface IByteReceiver
{
    /// <summary>Shows the first <paramref name="count"/> bytes of the loop's receive buffer; they die with the call.</summary>
    /// <param name="buffer">The loop's receive buffer.</param>
    /// <param name="count">Above zero.</param>
    /// <param name="examined">Whether what is left over waits for more bytes; otherwise <see cref="ReadReady"/> follows.</param>
    /// <returns>How many bytes were consumed: the reader keeps the others.</returns>
    int Receive(byte[] buffer, int count, out bool examined);

    /// <summary>The pending read ended: there are bytes, the end, or an error.</summary>
    void ReadReady();
}
