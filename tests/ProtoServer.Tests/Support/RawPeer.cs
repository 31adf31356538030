using System.Text;

namespace ProtoServer.Tests;

/// <summary>The other end of a connection, in the test's hands: below any transport of ours.</summary>
internal abstract class RawPeer : IDisposable
{
    public abstract Task SendAsync(ReadOnlyMemory<byte> data);

    /// <summary>Up to a buffer full; 0 at the end.</summary>
    public abstract Task<int> ReceiveAsync(Memory<byte> buffer);

    /// <summary>FIN: says no more, still listens.</summary>
    public abstract void HalfClose();

    /// <summary>RST, where the transport has one.</summary>
    public abstract void Reset();

    public abstract void Dispose();

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task<byte[]> ReceiveExactlyAsync(int count, TimeSpan? deadline = null)
    {
        byte[] bytes = new byte[count];
        for (int have = 0; have < count;)
        {
            int more = await ReceiveAsync(bytes.AsMemory(have)).Within(deadline);
            if (more == 0)
            {
                throw new EndOfStreamException($"The peer saw the end after {have} of {count} bytes.");
            }
            have += more;
        }
        return bytes;
    }

    public async Task<string> ReceiveTextAsync(int count) => Encoding.Latin1.GetString(await ReceiveExactlyAsync(count));

    /// <summary>Everything up to the end; throws when the end is a reset.</summary>
    public async Task<byte[]> ReceiveToEndAsync(TimeSpan? deadline = null)
    {
        using var all = new MemoryStream();
        byte[] buffer = new byte[64 * 1024];
        while (true)
        {
            int count = await ReceiveAsync(buffer).Within(deadline);
            if (count == 0)
            {
                return all.ToArray();
            }
            all.Write(buffer, 0, count);
        }
    }

    /// <summary>Waits for the end, of whichever kind, dropping what still comes. Returns whether it was a reset.</summary>
    public async Task<bool> EndAsync()
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            while (await ReceiveAsync(buffer).Within() > 0)
            {
            }
            return false;
        }
        catch (IOException)
        {
            return true;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return true;
        }
    }
}
