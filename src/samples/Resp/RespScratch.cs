using System.Buffers;
using System.Runtime.CompilerServices;

namespace Resp;

/// <summary>Working memory that the readers of one thread share: a request dies before the next one is read, so one is enough.</summary>
public sealed class RespScratch
{
    // Most requests have few arguments; a rare long one must not leave its table behind in a server of many loops.
    private const int KeptArguments = 1024;

    private RespArgument[] _arguments = new RespArgument[16];
    private readonly ArrayBufferWriter<byte> _inline = new(256);

    internal ArrayBufferWriter<byte> Inline => _inline;

    internal RespArgument[] Arguments => _arguments;

    internal void Trim()
    {
        if (_arguments.Length > KeptArguments)
        {
            _arguments = new RespArgument[16];
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal RespArgument[] Grow()
    {
        Array.Resize(ref _arguments, _arguments.Length * 2);
        return _arguments;
    }
}
